// Drives a real browser over the status page of a running agent with a ward behind it, one
// address of which is silent.
//   node status.mjs URL SCREENSHOT_FOLDER MACHINES SILENT_ADDRESS
// Exits with 1 and says what was wanted and what came.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [url, shots, machines, silent] = process.argv.slice(2)
mkdirSync(shots, { recursive: true })
const faults = []
const want = (what, ok, got) => { if (!ok) faults.push(`${what}; got ${JSON.stringify(got)}`) }

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

async function open(options, path = '/') {
  const context = await browser.newContext({ locale: 'fr-FR', viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  page.on('console', m => { if (m.type() === 'error') faults.push(`the console says ${m.text()}`) })
  page.on('pageerror', e => faults.push(`a script fails: ${e}`))
  page.on('request', r => { if (!r.url().startsWith(url)) faults.push(`the page asks ${r.url()}: want nothing from elsewhere`) })
  await page.goto(url + path)
  return page
}

const rows = page => page.$$eval('section[aria-labelledby=machines] tbody tr', list =>
  list.map(row => ({ state: row.classList[0], address: row.querySelector('th strong').textContent })))
// follow clicks on what leads to another page, and waits until that is there.
const follow = async (page, selector) => { await Promise.all([page.waitForEvent('load'), page.click(selector)]) }
const sideways = page => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)

try {
  const wide = await open({})
  const all = await rows(wide)
  want(`${machines} machines and a silent address`, all.length === +machines + 1, all.length)
  want('the silent one first', all[0].state === 'silent' && all[0].address === silent, all[0])
  want('French', await wide.getAttribute('html', 'lang') === 'fr', await wide.getAttribute('html', 'lang'))
  const before = await wide.textContent('.updated')
  await wide.waitForFunction(before => document.querySelector('.updated').textContent !== before, before, { timeout: 30_000 })
    .catch(() => want('the open page goes on without a reload', false, before))
  await wide.screenshot({ path: join(shots, 'status-wide-fr.png'), fullPage: true })

  await wide.fill('input[name=q]', all[1].address)
  await follow(wide, '.filter button')
  want('the filter finds one address', (await rows(wide)).map(r => r.address).join() === all[1].address, await rows(wide))
  await wide.fill('input[name=q]', '')
  await wide.selectOption('select[name=state]', 'silent')
  await follow(wide, '.filter button')
  want('the filter finds the silent one', (await rows(wide)).map(r => r.address).join() === silent, await rows(wide))
  await follow(wide, '.language a')
  want('the other language keeps the filter', await wide.getAttribute('html', 'lang') === 'en' && (await rows(wide)).length === 1, wide.url())

  await wide.goto(url)
  await follow(wide, `text="${all[1].address}"`)
  want("a device's page has raw answers", (await wide.$$('section[aria-labelledby=raw] tbody tr')).length > 1, wide.url())
  await wide.screenshot({ path: join(shots, 'status-device-fr.png'), fullPage: true })
  const [download] = await Promise.all([wide.waitForEvent('download'), wide.click('a[download]')])
  want('its facts can be kept as a file', /^zerofax-.*\.json$/.test(download.suggestedFilename()), download.suggestedFilename())

  const english = await open({ locale: 'en-GB' })
  want('English by Accept-Language', await english.getAttribute('html', 'lang') === 'en', await english.getAttribute('html', 'lang'))

  for (const path of ['/', `/device?address=${encodeURIComponent(all[1].address)}`, `/device?address=${encodeURIComponent(silent)}`]) {
    const narrow = await open({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' }, path)
    want(`no sideways scrolling of ${path} at 390 pixels`, await sideways(narrow) <= 0, await sideways(narrow))
    await narrow.screenshot({ path: join(shots, `status-narrow-dark${path === '/' ? '' : '-device'}.png`), fullPage: true })
  }
  const plain = await open({ javaScriptEnabled: false }, `/?q=${encodeURIComponent(silent)}`)
  want('the page works without JavaScript', (await rows(plain)).length === 1, await rows(plain))
} finally {
  await browser.close()
}
if (faults.length) {
  console.error([...new Set(faults)].join('\n'))
  process.exit(1)
}
