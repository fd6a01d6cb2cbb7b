// What a chef de projet does with a collector that has a year behind it.
//   node journeys.mjs URL SCREENSHOT_FOLDER
// Exits with 1 and says what was wanted and what came.
import { Looker, looks } from './lib.mjs'

const [url, shots] = process.argv.slice(2)
const looker = new Looker(url, shots)
const want = looker.want.bind(looker)
const api = async what => (await (await fetch(`${url}/api/v1/${what}`)).json()).data

const journeys = {
  async 'every page that a link leads to, in every look'() {
    // Pages of the same kind, such as those of lines, are looked at once.
    const kind = path => path.replace(/\?.*$/, '').split('/').map(s => /^[a-z]*$/.test(s) && !services.has(s) ? s : 'one').join('-').slice(1) || 'dashboard'
    const services = new Set((await api('services')).map(s => s.id))
    const looked = new Map([['dashboard', '/']])
    const crawler = await looker.context()
    const page = await looker.page(crawler)
    for (const path of looked.values()) {
      await page.goto(url + path)
      for (const link of await page.$$eval('nav a, main a', links => links.map(a => a.href))) {
        const { origin, pathname, search } = new URL(link)
        if (origin === url && !/^\/(api|metrics|assets)|\.(csv|xlsx)$/.test(pathname) && !looked.has(kind(pathname))) looked.set(kind(pathname), pathname + search)
      }
    }
    await crawler.close()
    want('many kinds of pages', looked.size > 12, [...looked.keys()])
    for (const [look, options] of Object.entries(looks)) {
      const mine = await looker.context(options)
      await Promise.all([0, 1, 2].map(async n => {
        for (const [name, path] of [...looked].filter((_, i) => i % 3 === n)) {
          const page = await looker.page(mine, path)
          await looker.judge(page, `${path}, ${look}`)
          await looker.shot(page, `${name}-${look}`)
          if (look === 'wide') {
            await page.emulateMedia({ media: 'print' })
            await looker.shot(page, `${name}-print`)
          }
          await page.close()
        }
      }))
      await mine.close()
    }
  },

  async 'in the morning the first page says what needs a look, and leads there'(context) {
    const page = await looker.page(context)
    const concerns = await page.$$eval('.concerns a', links => links.map(a => a.href))
    want('something needs a look', concerns.length > 0, concerns)
    for (const link of concerns) {
      await page.goto(link)
      const rows = await page.locator('main :is(tbody tr, article, li)').count()
      want(`${link} shows it`, rows > 0, rows)
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

  async 'a service gets its sheet and its checklist, and the sheet fits on one page of paper'(context) {
    const service = (await api('services')).find(s => s.name === 'Oncologie')
    const page = await looker.page(context, `/services/${service.id}`)
    await page.getByRole('button', { name: 'Faire le point' }).or(page.getByRole('link', { name: 'Faire le point' })).click()
    await page.getByLabel('Éclaircies').check()
    await page.getByLabel('Référent').fill('Camille Exemple, cadre de santé')
    await page.getByLabel('Prochaines étapes').fill('Publier la seconde adresse\nPrévenir les laboratoires de ville')
    await page.getByRole('button', { name: 'Enregistrer' }).click()
    await page.waitForURL(new RegExp(`/services/${service.id}(\\?|$)`))
    const sheet = await page.locator('main').innerText()
    for (const said of ['Éclaircies', 'Camille Exemple', 'Prévenir les laboratoires de ville']) want(`the sheet says ${said}`, sheet.includes(said), sheet.slice(0, 300))
    const paper = await page.pdf({ format: 'A4' })
    const sheets = paper.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length
    want('one page of paper', sheets === 1, sheets)
    await page.locator('a[href*="/checklist"]').click()
    const open = page.getByRole('checkbox', { name: 'Fait', checked: false })
    const left = await open.count()
    await open.first().check()
    await page.getByRole('button', { name: 'Enregistrer' }).click()
    await page.waitForURL(new RegExp(`/services/${service.id}(\\?|$)`))
    await page.locator('a[href*="/checklist"]').click()
    want('one point less is open', await open.count() === left - 1, await open.count())
  },

  async 'of two who say how a service stands, the second learns of the first and loses nothing'(context) {
    const service = (await api('services')).find(s => s.name === 'Maternité')
    const other = await looker.context()
    const path = `/services/${service.id}/edit`
    const [one, two] = [await looker.page(context, path), await looker.page(other, path, { allow: [409] })]
    for (const [page, text] of [[one, 'Une fête des sages-femmes'], [two, 'Le fax du bloc est rendu']]) {
      await page.getByLabel('Faits marquants').fill(text)
      await page.getByRole('button', { name: 'Enregistrer' }).click()
      await page.waitForLoadState()
    }
    const answer = await two.locator('main').innerText()
    want('the second is told what the first wrote', answer.includes('Une fête des sages-femmes'), answer.slice(0, 300))
    want('and keeps what was typed', await two.getByLabel('Faits marquants').inputValue() === 'Le fax du bloc est rendu', await two.getByLabel('Faits marquants').inputValue())
    await looker.judge(two, 'a form that met another change')
    await looker.shot(two, 'conflict-wide')
    await other.close()
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
