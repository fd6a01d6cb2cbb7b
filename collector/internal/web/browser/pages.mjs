// Drives a real browser over all pages of a collector.
//   node pages.mjs URL hospital|full|empty|broken SCREENSHOT_FOLDER
// Exits with 1 and says what was wanted and what came.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [url, books, shots] = process.argv.slice(2)
mkdirSync(shots, { recursive: true })
const faults = []
const want = (what, ok, got) => { if (!ok) faults.push(`${what}; got ${JSON.stringify(got)}`) }

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

async function open(path, options) {
  const context = await browser.newContext({ locale: 'fr-FR', javaScriptEnabled: false, ...options })
  const page = await context.newPage()
  // Pico's own picture in the search field, which the policy refuses if its style sheet is there before ours.
  page.on('console', m => { if (m.type() === 'error' && books !== 'broken') faults.push(`${path}: the console says ${m.text()}`) })
  page.on('request', r => { if (!r.url().startsWith(url)) faults.push(`${path} asks ${r.url()}: want nothing from elsewhere`) })
  await page.goto(url + path)
  return page
}

const looks = {
  wide: { viewport: { width: 1400, height: 900 } },
  narrow: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
}
const pages = { dashboard: '/', machines: '/machines', lines: '/lines', services: '/services', alerts: '/alerts' }

try {
  for (const [name, path] of Object.entries(pages)) {
    for (const [look, options] of Object.entries(looks)) {
      const page = await open(path, options)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth).catch(() => 0)
      want(`${path}, ${look}: no sideways scrolling`, overflow <= 0, overflow)
      const current = await page.locator('nav [aria-current=page]').count()
      want(`${path}, ${look}: the menu says where one is`, current === 1, current)
      const broken = await page.locator('[role=alert]').count()
      want(`${path}, ${look}: a fault is said if there is one, and only then`, (broken === 1) === (books === 'broken'), broken)
      await page.screenshot({ path: join(shots, `${books}-${name}-${look}.png`), fullPage: books !== 'full' })
      await page.context().close()
    }
  }
  if (books === 'hospital' || books === 'full') {
    const lines = await open('/lines?state=overdue&lang=en', looks.wide)
    const states = await lines.locator('section[aria-labelledby=lines] td .state').allTextContents()
    want('only overdue lines by ?state=overdue', states.length > 0 && states.every(s => s === 'overdue'), states)
    const found = await open('/lines?q=0241354001', looks.wide)
    want('a line is found by its number', await found.locator('tbody tr').count() === 1, await found.locator('tbody tr').count())
    const alerts = await open('/alerts', looks.wide)
    want('two open alerts, one closed', await alerts.locator('article').count() === 2 && await alerts.locator('tbody tr').count() === 1,
      await alerts.locator('article').count())
    const first = await open('/machines', looks.wide)
    await first.click('.alerts h2 a')
    want('the alerts on top lead to their page', new URL(first.url()).pathname === '/alerts', first.url())
  }
} finally {
  await browser.close()
}
if (faults.length) {
  console.error([...new Set(faults)].join('\n'))
  process.exit(1)
}
