// Looks at the sheet of a service, its forms, the support pages and the reply of a machine; what is to be printed is one
// page of paper.
//   node print.mjs URL SCREENSHOT_FOLDER SERVICE LINE
import { join } from 'node:path'
import { Looker } from './lib.mjs'

const [url, shots, service, line] = process.argv.slice(2)
const pages = {
  sheet: `/services/${service}`,
  sheetform: `/services/${service}/edit`,
  checklist: `/services/${service}/checklist`,
  services: '/services',
  support: '/support',
  matrix: '/support/matrix',
  followup: '/support/new?kind=training',
  reply: `/lines/${line}/reply`,
  project: `/services/${service}/reply?model=project`,
}
const printed = ['sheet', 'reply', 'project']
const all = {
  wide: { viewport: { width: 1400, height: 900 } },
  narrow: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
}

const looker = new Looker(url, shots)
await looker.start()
for (const [look, options] of Object.entries(all)) {
  const context = await looker.context(options)
  for (const [name, path] of Object.entries(pages)) {
    const page = await looker.page(context, path)
    await looker.judge(page, `${path}, ${look}`)
    await looker.shot(page, `${name}-${look}`)
    if (look === 'wide' && printed.includes(name)) {
      const pdf = await page.pdf({ path: join(shots, `${name}.pdf`), preferCSSPageSize: true })
      const sheets = pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g).length
      looker.want(`${path} prints on one page`, sheets === 1, sheets)
    }
    await page.close()
  }
}
await looker.end()
