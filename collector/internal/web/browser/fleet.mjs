// Drives a real browser over the fleet page of a running collector with a ward behind it.
//   node fleet.mjs URL SCREENSHOT_FOLDER
// Exits with 1 and says what was wanted and what came.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [url, shots] = process.argv.slice(2)
mkdirSync(shots, { recursive: true })
const faults = []
const want = (what, ok, got) => { if (!ok) faults.push(`${what}; got ${JSON.stringify(got)}`) }

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

async function open(options, query = '') {
  const context = await browser.newContext({ locale: 'fr-FR', viewport: { width: 1400, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('console', m => { if (m.type() === 'error') faults.push(`the console says ${m.text()}`) })
  page.on('pageerror', e => faults.push(`a script fails: ${e}`))
  page.on('request', r => { if (!r.url().startsWith(url)) faults.push(`the page asks ${r.url()}: want nothing from elsewhere`) })
  await page.goto(`${url}/machines${query}`)
  return page
}

// The sum of all figures of the table of machines, as a reader would add them up.
const sum = page => page.$$eval('table:first-of-type tbody td.figure strong', cells =>
  cells.reduce((n, c) => n + (Number.parseInt(c.textContent.replace(/\D/g, ''), 10) || 0), 0))

try {
  const wide = await open({})
  const rows = await wide.$$('section[aria-labelledby=machines] tbody tr')
  want('the 12 machines of the ward in the table, and those of the past', rows.length > 12, rows.length)
  want('French', await wide.getAttribute('html', 'lang') === 'fr', await wide.getAttribute('html', 'lang'))
  const before = await sum(wide)
  await wide.waitForFunction(([selector, before]) => [...document.querySelectorAll(selector)]
    .reduce((n, c) => n + (Number.parseInt(c.textContent.replace(/\D/g, ''), 10) || 0), 0) > before,
  ['table:first-of-type tbody td.figure strong', before], { timeout: 30_000 })
    .catch(() => want('the counts rise on the open page without a reload', false, before))
  await wide.screenshot({ path: join(shots, 'fleet-wide-fr.png'), fullPage: true })

  const english = await open({}, '?lang=en')
  want('English by ?lang=en', await english.getAttribute('html', 'lang') === 'en', await english.getAttribute('html', 'lang'))
  const accept = await open({ locale: 'en-GB' })
  want('English by Accept-Language', await accept.getAttribute('html', 'lang') === 'en', await accept.getAttribute('html', 'lang'))

  const narrow = await open({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' })
  const overflow = await narrow.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  want('no sideways scrolling at 390 pixels', overflow <= 0, overflow)
  await narrow.screenshot({ path: join(shots, 'fleet-narrow-dark-fr.png'), fullPage: true })

  const plain = await open({ javaScriptEnabled: false })
  want('the page works without JavaScript', (await plain.$$('section[aria-labelledby=machines] tbody tr')).length >= rows.length, 'fewer')
} finally {
  await browser.close()
}
if (faults.length) {
  console.error([...new Set(faults)].join('\n'))
  process.exit(1)
}
