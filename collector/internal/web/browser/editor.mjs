// What the editor of one establishment sees and does, and what not.
//   node editor.mjs URL SCREENSHOT_FOLDER NAME PASSWORD
// Exits with 1 and says what was wanted and what came.
import { Looker } from './lib.mjs'

const [url, shots, name, password] = process.argv.slice(2)
const looker = new Looker(url, shots)
const want = looker.want.bind(looker)

// Of the other establishment: names, numbers, machines and addresses.
const foreign = /CHU de l.Exemple|Cardiologie|Oncologie|Maternité|Urgences|0261914\d|02 61 91 4|chu-exemple/

await looker.start()
try {
  const context = await looker.context()
  const page = await looker.page(context, '/lines', { allow: [401] })
  want('who isn’t signed in is asked who it is', new URL(page.url()).pathname === '/sign-in', page.url())
  await looker.judge(page, 'the sign-in')
  await looker.shot(page, 'sign-in-wide')
  const signIn = async secret => {
    await page.locator('input[autocomplete=username]').fill(name)
    await page.locator('input[type=password]').fill(secret)
    await page.getByRole('button', { name: 'Se connecter' }).click()
    await page.waitForLoadState()
  }
  await signIn('not the password')
  want('a wrong password lets nobody in', new URL(page.url()).pathname === '/sign-in', page.url())
  await signIn(password)
  want('then the page is shown that was asked for', new URL(page.url()).pathname === '/lines', page.url())

  const lines = await page.locator('main tbody a[href^="/lines/"]').allInnerTexts()
  want('one’s own lines are shown', lines.some(l => l.startsWith('0261915')), lines)
  const menu = await page.$$eval('nav a', links => links.map(a => a.getAttribute('href')))
  want('no accounts and no audit log for an editor', !menu.some(m => /people/.test(m)), menu)
  for (const path of new Set([...menu, '/map/gaps', '/map/table', '/support/matrix', '/targets/collection', '/mssante', '/lines/new', '/?establishment=chu-exemple'])) {
    await page.goto(url + path)
    const said = await page.locator('body').innerText()
    want(`${path} names nothing of the other establishment`, !foreign.test(said), said.match(foreign))
  }
  for (const path of ['/api/v1/lines', '/api/v1/services', '/api/v1/devices', '/api/v1/alerts', '/api/v1/indicators?by=service']) {
    const said = await (await context.request.get(url + path)).text()
    want(`${path} tells nothing of the other establishment`, !foreign.test(said) && said.length > 20, said.match(foreign) ?? said)
  }
  for (const path of ['/lines/0261914022', '/lines/0261914022/edit', '/services/cardiologie', '/services/cardiologie/edit']) {
    const answer = await context.request.get(url + path)
    want(`${path} isn’t there for them`, answer.status() === 404, answer.status())
  }
  const written = await context.request.post(`${url}/services/cardiologie/edit`, { form: { weather: 'sunny' } })
  want('nor can it be written', [403, 404].includes(written.status()), written.status())

  const own = lines.find(l => l.startsWith('0261915')).slice(0, 10)
  await page.goto(`${url}/lines/${own}/edit`)
  await page.getByLabel(/^Contact/).fill('poste 77')
  await page.getByRole('button', { name: 'Enregistrer', exact: true }).click()
  await page.waitForURL(to => !to.pathname.endsWith('/edit'))
  const story = await page.locator('main').innerText()
  want('one’s own line is changed, and the log says by whom', story.includes('poste 77') && story.includes(name), story.slice(-400))
} finally {
  await looker.end()
}
