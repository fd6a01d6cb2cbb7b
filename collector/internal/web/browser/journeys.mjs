// What a chef de projet does with a collector that has a year behind it.
//   node journeys.mjs URL SCREENSHOT_FOLDER EXTRACTION_FILE [WORD OF A JOURNEY]
// Exits with 1 and says what was wanted and what came.
import { readFileSync } from 'node:fs'
import { Looker, looks } from './lib.mjs'

const [url, shots, extraction, only = ''] = process.argv.slice(2)
const looker = new Looker(url, shots)
const want = looker.want.bind(looker)
const api = async what => (await (await fetch(`${url}/api/v1/${what}`)).json()).data

// saved presses the button of a form, once more where something is to be confirmed, and wants to be led on.
async function saved(page) {
  const form = page.url()
  await page.getByRole('button', { name: 'Enregistrer', exact: true }).click()
  await page.waitForLoadState()
  const confirm = page.getByRole('button', { name: 'Confirmer et enregistrer' })
  if (await confirm.count()) await confirm.click()
  await page.waitForURL(to => to.href !== form).catch(() => {})
  const faults = await page.locator('main [role=alert]').allInnerTexts()
  want(`${form} is saved`, page.url() !== form && faults.length === 0, faults)
}

const journeys = {
  async 'every page that a link leads to, in every look'() {
    // Pages of the same kind, such as those of lines, are looked at once.
    const services = new Set((await api('services')).map(s => s.id))
    const kind = path => path.split('/').slice(1).map(s => /^[a-z]*$/.test(s) && (s === '' || !services.has(s)) ? s : 'one').join('-') || 'dashboard'
    const found = new Map([['dashboard', '/']])
    const waiting = [...found]
    const context = await looker.context()
    let busy = 0
    const look = async () => {
      const page = await looker.page(context)
      while (waiting.length > 0 || busy > 0) {
        if (waiting.length === 0) { // somebody else may still find some
          await new Promise(wake => { setTimeout(wake, 50) })
          continue
        }
        busy++
        const [name, path] = waiting.shift()
        for (const link of await looker.looks(page, path, name)) {
          const { origin, pathname, search } = new URL(link)
          if (origin !== url || /^\/(api|metrics|assets)|\.(csv|xlsx|ics|zip|pdf|tif|png)$/.test(pathname) || found.has(kind(pathname))) continue
          found.set(kind(pathname), pathname + search)
          waiting.push([kind(pathname), pathname + search])
        }
        busy--
      }
    }
    await Promise.all([look(), look()])
    await context.close()
    want('some dozens of kinds of pages, and no more', found.size > 20 && found.size < 50, [...found])
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

  async 'a machine that was seen becomes a line'(context) {
    const page = await looker.page(context, '/map/gaps')
    await page.locator('main a[href^="/lines/new"]').first().click()
    await page.getByLabel(/^Numéro/).fill('02 61 91 40 89')
    const service = page.getByLabel(/^Service/)
    await (await service.evaluate(e => e.tagName) === 'SELECT' ? service.selectOption({ label: 'Urgences' }) : service.fill('urgences'))
    await saved(page)
    const line = (await api('lines')).find(l => l.number === '0261914089')
    want('the line is declared, with its machine', line?.declared && line.device !== '' && line.service === 'urgences', line)
  },

  async 'several lines get a date at once, one is cut, and the plan moves'(context) {
    const page = await looker.page(context, '/')
    const cut = async () => Number.parseInt(await page.locator('section[aria-labelledby=plan] strong').first().innerText(), 10)
    const before = await cut()
    const undated = (await api('lines')).filter(l => l.declared && l.state === 'active' && !l.cutoff && !l.cut_on).slice(0, 3)
    await page.goto(`${url}/lines?state=active`)
    for (const l of undated) await page.locator(`input[name=line][value="${l.id}"]`).check()
    await page.getByRole('button', { name: 'Modifier les lignes cochées' }).click()
    const year = new Date().getFullYear() + 1
    await page.getByLabel(/^Coupure prévue/).fill(`${year}-03-31`)
    await saved(page)
    const dated = (await api('lines')).filter(l => undated.some(u => u.id === l.id) && l.cutoff === `${year}-03-31`)
    want('three lines have a date', dated.length === 3, dated.map(l => l.id))
    await page.goto(`${url}/lines/${undated[0].id}`)
    await page.locator('main a[href*="/edit"]').first().click()
    await page.getByLabel(/^Coupure réelle/).fill(new Date().toISOString().slice(0, 10))
    await saved(page)
    await page.goto(`${url}/`)
    want('one line more is cut on the first page', await cut() === before + 1, [before, await cut()])
  },

  async 'a target is set, and a month closed'(context) {
    const page = await looker.page(context, '/targets')
    await page.locator('section[aria-labelledby=of] tbody a').first().click()
    const add = page.locator('form', { hasText: 'Nouvel objectif' })
    const month = new Date(Date.UTC(new Date().getFullYear(), new Date().getMonth() + 2, 1)).toISOString().slice(0, 7)
    await add.getByLabel('À partir du mois').fill(month)
    await add.getByLabel(/^Objectif|^Valeur|^Lignes/).fill('7')
    await add.getByRole('button').first().click()
    await page.waitForLoadState()
    want('the target stands on the page', await page.locator(`input[value="${month}"]`).count() > 0, page.url())
    await page.goto(`${url}/targets/months`)
    await page.locator('main tbody a[href*="/targets/months/"]').first().click()
    await page.getByRole('button', { name: /^Clore / }).click()
    await page.getByRole('heading', { name: /^Clos le/ }).waitFor()
    await looker.judge(page, 'a closed month')
  },

  async 'a table of volumes with foreign headers is handed in, its columns named, and read alike the next time'(context) {
    const page = await looker.page(context, '/mssante/import')
    const month = new Date(Date.UTC(new Date().getFullYear(), new Date().getMonth() - 1, 1)).toISOString().slice(0, 7)
    const handIn = async rows => {
      await page.getByLabel(/^Tableau/).setInputFiles({ name: 'console.csv', mimeType: 'text/csv', buffer: Buffer.from(`BAL;Nb lus;Nb partis\n${rows}\n`) })
      await page.getByRole('button', { name: 'Voir ce que cela changerait' }).click()
      await page.waitForURL(/\/mssante\/import\/\w/)
    }
    await handIn('laboratoire-1@ch-iles.mssante.fr;61;43\nlaboratoire-2@ch-iles.mssante.fr;12;7')
    const names = await page.locator('fieldset label').allInnerTexts()
    for (const [name, header] of [[/^Adresse/, 'BAL'], [/^Reçus/, 'Nb lus'], [/^Émis/, 'Nb partis']]) {
      want(`there is a column to be named ${name}`, names.some(n => name.test(n)), names)
      await page.getByLabel(name).selectOption(header)
    }
    await page.locator('input[name=fixed]').fill(month)
    await page.locator('input[name=profile]').fill('Console des Îles')
    await page.locator('button[value=preview]').click()
    await page.locator('button[value=import]').waitFor()
    await looker.judge(page, 'what a table would change')
    await page.locator('button[value=import]').click()
    await page.waitForURL(/\/mssante\?/)
    await page.locator('a', { hasText: 'laboratoire-1@ch-iles.mssante.fr' }).waitFor()
    const row = await page.locator('tr', { hasText: 'laboratoire-1@ch-iles.mssante.fr' }).innerText()
    want('the address has its last message', /dernier message/.test(row), row)
    await page.goto(`${url}/mssante/import`)
    await handIn('laboratoire-1@ch-iles.mssante.fr;62;43')
    want('the profile is found by the headers', (await page.locator('main').innerText()).includes('Console des Îles'), page.url())
  },

  async 'the extraction is dropped in, and says which address is lost'(context) {
    const page = await looker.page(context, '/mssante/import')
    const lost = 'urgences-1@chu-exemple.mssante.fr'
    const text = readFileSync(extraction, 'utf8').split('\n').filter(line => !line.includes(lost)).join('\n')
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
    await page.getByLabel(/^Fichier/).setInputFiles({ name: `Extraction_Correspondance_MSSante_${today}0230.txt`, mimeType: 'text/plain', buffer: Buffer.from(text) })
    await page.getByRole('button', { name: 'Comparer avec nos adresses' }).click()
    await page.waitForURL(/\/mssante\?/)
    const row = page.locator('#directory tr', { hasText: lost })
    want('it is lost', await row.count() === 1, await page.locator('#directory').innerText())
    await row.getByRole('button').click()
    await row.waitFor({ state: 'detached' })
    await page.goto(`${url}/?lang=fr`)
    want('the first page names the other one still', /adresse MSSanté disparue/.test(await page.locator('main').innerText()), '')
  },

  async 'of two who change a line, the second learns of the first and loses nothing'(context) {
    const line = (await api('lines')).find(l => l.declared && l.state === 'active' && l.service === 'cardiologie')
    const path = `/lines/${line.id}/edit`
    const other = await looker.context()
    const [one, two] = [await looker.page(context, path), await looker.page(other, path, { allow: [409] })]
    for (const [page, text] of [[one, 'secrétariat, poste 12'], [two, 'secrétariat, poste 34']]) {
      await page.getByLabel(/^Contact/).fill(text)
      await page.getByRole('button', { name: 'Enregistrer', exact: true }).click()
      await page.waitForLoadState()
    }
    const answer = await two.locator('main').innerText()
    want('the second is told what the first wrote', answer.includes('poste 12'), answer.slice(0, 300))
    want('and keeps what was typed', await two.getByLabel(/^Contact/).inputValue() === 'secrétariat, poste 34', await two.getByLabel(/^Contact/).inputValue())
    await one.goto(`${url}/lines/${line.id}`)
    want('what the first wrote stands', (await one.locator('main').innerText()).includes('poste 12'), '')
    await other.close()
  },

  async 'the committee gets its page on paper and as a file'(context) {
    const page = await looker.page(context, '/committee')
    await looker.judge(page, 'the committee\u2019s page')
    const paper = await page.pdf({ format: 'A4' })
    const sheets = paper.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length
    want('two pages of paper at most', sheets <= 2, sheets)
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('a[download][href*=".xlsx"]').click()])
    const bytes = readFileSync(await file.path())
    want('a file for a spreadsheet, with charts', bytes.includes('xl/charts/chart1.xml'), file.suggestedFilename())
  },
}

await looker.start()
try {
  for (const [name, journey] of Object.entries(journeys).filter(([name]) => name.includes(only))) {
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
