// Looks at the pages of flows, journals, neighbours and waves.
//   node flows.mjs URL SCREENSHOT_FOLDER LINE
// LINE is one that was cut, and whose faxes went to its neighbours.
import { Looker, looks } from './lib.mjs'

const [url, shots, line] = process.argv.slice(2)
const pages = {
  flows: ['/flows', 'Urgences'],
  journals: ['/journals', 'serveur-fax'],
  neighbours: ['/neighbours', 'Report sur les voisines'],
  neighbour: [`/neighbours/${line}`, 'plus que prévu'],
  cut: [`/lines/${line}`, 'Report sur les voisines'],
  waves: ['/waves', 'Femme-mère-enfant'],
  wave: ['/waves/1', 'Oncologie'],
  proposals: ['/waves/proposals', 'Oncologie'],
  pilot: ['/waves/pilot', 'convient'],
  imported: ['/journals/imports/1', 'xferfaxlog'],
  send: ['/send', 'MSSanté'],
  reply: [`/lines/${line}/reply`, 'TIFF'],
}

const looker = new Looker(url, shots)
await looker.start()
for (const [look, options] of Object.entries(looks)) {
  const context = await looker.context(options)
  for (const [name, [path, words]] of Object.entries(pages)) {
    const page = await looker.page(context, path)
    const text = await page.textContent('main')
    looker.want(`${path} says ${words}`, text.includes(words), text.slice(0, 300))
    await looker.judge(page, `${path}, ${look}`)
    await looker.shot(page, `flows-${name}-${look}`)
    await page.close()
  }
  await context.close()
}
await looker.end()
