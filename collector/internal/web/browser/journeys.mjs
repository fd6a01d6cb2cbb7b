// What a chef de projet does with a collector that has a year behind it.
//   node journeys.mjs URL SCREENSHOT_FOLDER
// Exits with 1 and says what was wanted and what came.
import { Looker, looks } from './lib.mjs'

const [url, shots] = process.argv.slice(2)
const looker = new Looker(url, shots)
const want = looker.want.bind(looker)
const api = async what => (await (await fetch(`${url}/api/v1/${what}`)).json()).data

const journeys = {
  async 'every page of the menu, in every look'(context) {
    const first = await looker.page(context)
    const paths = await first.$$eval('nav a', links => links.map(a => new URL(a.href).pathname))
    want('a menu', paths.length > 3, paths)
    const more = ['/map/gaps', '/map/table', ...await first.evaluate(async paths => {
      const found = []
      for (const path of ['/lines', '/services'].filter(p => paths.includes(p))) {
        const page = new DOMParser().parseFromString(await (await fetch(path)).text(), 'text/html')
        const link = page.querySelector(`main a[href^="${path}/"]`)
        if (link) found.push(link.getAttribute('href'))
      }
      return found
    }, paths)]
    for (const [look, options] of Object.entries(looks)) {
      const mine = await looker.context(options)
      for (const path of [...paths, ...more]) {
        const name = `${path.split('?')[0].replaceAll('/', ' ').trim().split(' ')[0] || 'dashboard'}${path.split('/').length > 2 ? `-${path.split('/')[1] === 'map' ? path.split('/')[2] : 'one'}` : ''}`
        const page = await looker.page(mine, path)
        await looker.judge(page, `${path}, ${look}`)
        await looker.shot(page, `${name}-${look}`)
        if (look === 'wide') {
          await page.emulateMedia({ media: 'print' })
          await looker.shot(page, `${name}-print`)
        }
        await page.close()
      }
      await mine.close()
    }
  },

  async 'a line is found by its number and tells its story'(context) {
    const line = (await api('lines')).find(l => l.declared && l.state === 'cut' && l.after_cutoff.pages > 0)
    const page = await looker.page(context, '/lines')
    await page.getByRole('searchbox').fill(line.number)
    await page.keyboard.press('Enter')
    await page.locator('main tbody a[href^="/lines/"]').click()
    await page.waitForURL(/\/lines\/\d+/)
    const story = await page.locator('main').innerText()
    want('the story names the day of the cut', story.includes(line.cut_on.split('-').reverse().join('/')), story.slice(0, 400))
    want('and what was faxed afterwards', /après/.test(story), story.slice(0, 400))
  },

  async 'the keyboard alone leads from the first page into a line'(context) {
    const page = await looker.page(context, '/lines')
    await page.keyboard.press('Tab')
    const skip = await page.evaluate(() => document.activeElement.getAttribute('href'))
    want('the first stop skips the menu', skip === '#content', skip)
    await page.keyboard.press('Enter')
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      const { href, seen } = await page.evaluate(() => {
        const e = document.activeElement, style = getComputedStyle(e)
        return { href: e.getAttribute('href') ?? '', seen: style.outlineStyle !== 'none' || style.boxShadow !== 'none' }
      })
      want(`the focus is seen on ${href}`, seen || href === '', href)
      if (/^\/lines\/\w/.test(href)) {
        await page.keyboard.press('Enter')
        await page.waitForURL(/\/lines\/\w/)
        return
      }
    }
    want('a line is reached by Tab', false, page.url())
  },
}

await looker.start()
try {
  for (const [name, journey] of Object.entries(journeys)) {
    const began = Date.now()
    const context = await looker.context()
    try {
      await journey(context)
    } catch (e) {
      looker.faults.push(`${name}: ${e.message}`)
      const page = context.pages().at(-1)
      if (page) await looker.shot(page, `failed-${name.replace(/\W+/g, '-')}`)
    }
    await context.close()
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${name}`)
  }
} finally {
  await looker.end()
}
