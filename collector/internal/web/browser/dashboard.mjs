// Drives a real browser over the dashboard: its charts, its refresh, a form that is filled in.
//   node dashboard.mjs URL SCREENSHOT_FOLDER
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

async function open(options) {
  const context = await browser.newContext({ locale: 'fr-FR', viewport: { width: 1400, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('console', m => { if (m.type() === 'error') faults.push(`the console says ${m.text()}`) })
  page.on('pageerror', e => faults.push(`a script fails: ${e}`))
  await page.addInitScript(() => {
    window.shift = 0
    new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value }).observe({ type: 'layout-shift', buffered: true })
  })
  await page.goto(url)
  return page
}

// inked: how many dots of a chart's canvas have exactly the colour that the style sheet gives its first series.
const inked = page => page.$eval('#pages-chart-plot canvas', c => {
  const colour = getComputedStyle(c).getPropertyValue('--series-1').trim()
  const [r, g, b] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16))
  const dots = c.getContext('2d').getImageData(0, 0, c.width, c.height).data
  let n = 0
  for (let i = 0; i < dots.length; i += 4) if (dots[i] === r && dots[i + 1] === g && dots[i + 2] === b && dots[i + 3] === 255) n++
  return { n, colour }
})

try {
  const wide = await open({})
  await wide.waitForSelector('#pages-chart-plot canvas')
  const day = await inked(wide)
  want('a series is drawn in its colour', day.n > 100, day)
  const shift = await wide.evaluate(() => window.shift)
  want('nothing moves while the page loads', shift < 0.01, shift)
  await wide.screenshot({ path: join(shots, 'dashboard-wide.png'), fullPage: true })
  await wide.focus('#pages-chart-plot')
  await wide.keyboard.press('ArrowLeft')
  const read = await wide.waitForFunction(() => document.querySelector('#pages-chart .readout').textContent).then(h => h.jsonValue())
  want('the arrow keys read the values', /\d{4}\s: /.test(read), read)
  await wide.click('#pages-chart-data summary')
  want('the same values stand in a table', await wide.locator('#pages-chart-data tbody tr').count() > 12, 'fewer')

  // The refresh: what is open stays open, what is drawn stays drawn, what is chosen stays chosen.
  const before = await wide.textContent('.updated')
  await wide.evaluate(() => { document.querySelector('#pages-chart-plot canvas').mark = true; document.querySelector('.updated').mark = true })
  await wide.evaluate(() => { document.activeElement.blur() })
  await wide.waitForFunction(() => !document.querySelector('.updated').mark, null, { timeout: 20_000 })
    .catch(() => want('the page is refreshed', false, before))
  want('what was open stays open', await wide.locator('#pages-chart-data[open]').count() === 1, 'closed')
  want('a drawing of the same data stays', await wide.evaluate(() => document.querySelector('#pages-chart-plot canvas')?.mark === true), 'drawn anew')
  await wide.selectOption('select[name=establishment]', 'ch')
  await wide.evaluate(() => { document.activeElement.blur(); document.querySelector('.updated').mark = true })
  await wide.evaluate(() => refresh())
  want('a form that is filled in is left alone', await wide.inputValue('select[name=establishment]') === 'ch' && await wide.evaluate(() => document.querySelector('.updated').mark), 'swapped')

  const dark = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
  await dark.waitForSelector('#pages-chart-plot canvas')
  const night = await inked(dark)
  want('and in another one in the dark', night.n > 100 && night.colour !== day.colour, [day, night])
  const overflow = await dark.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  want('no sideways scrolling at 360 pixels', overflow <= 0, overflow)
  await dark.screenshot({ path: join(shots, 'dashboard-narrow-dark.png'), fullPage: true })
  want('the menu waits behind its button', !await dark.locator('nav a').first().isVisible(), 'shown')
  await dark.click('.menu')
  want('and opens', await dark.locator('nav a').first().isVisible(), 'hidden')
  await dark.screenshot({ path: join(shots, 'dashboard-narrow-menu.png') })

  const paper = await open({ viewport: { width: 718, height: 1000 } })
  await paper.waitForSelector('#pages-chart-plot canvas')
  await paper.emulateMedia({ media: 'print' })
  want('no menu on paper', !await paper.locator('nav a').first().isVisible(), 'shown')
  await paper.screenshot({ path: join(shots, 'dashboard-print.png'), fullPage: true })

  const plain = await open({ javaScriptEnabled: false })
  want('without script the values are in the table', await plain.locator('#pages-chart-data tbody tr').count() > 12, 'fewer')
  await plain.screenshot({ path: join(shots, 'dashboard-no-script.png'), fullPage: true })
} finally {
  await browser.close()
}
if (faults.length) {
  console.error([...new Set(faults)].join('\n'))
  process.exit(1)
}
