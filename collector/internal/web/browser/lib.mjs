// What all browser tests do: a browser, pages that are watched while they are looked at, and the judgement of axe.
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// Most that may move on a page after it was shown first, as Chromium measures it.
const mostShift = 0.02

export const looks = {
  wide: { viewport: { width: 1400, height: 900 } },
  narrow: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
}

// Looker opens pages of a site and collects what is wrong with them.
export class Looker {
  faults = []

  constructor(url, shots) {
    this.url = url
    this.shots = shots
    mkdirSync(shots, { recursive: true })
  }

  async start() {
    this.browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    })
  }

  want(what, ok, got) {
    if (!ok) this.faults.push(`${what}; got ${JSON.stringify(got)}`)
  }

  // context is a browser of somebody: its own cookies, and everything it does is watched.
  async context(options = {}) {
    const context = await this.browser.newContext({ locale: 'fr-FR', reducedMotion: 'reduce', ...looks.wide, ...options })
    context.setDefaultTimeout(15_000)
    await context.addInitScript(() => {
      globalThis.moved = 0
      new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.moved += entry.value
      }).observe({ type: 'layout-shift', buffered: true })
    })
    return context
  }

  // page is a new one of a context. Faults that a journey wants to see, such as a refused form, it allows by status.
  async page(context, path = '/', { allow = [] } = {}) {
    const page = await context.newPage()
    page.on('console', m => {
      if (m.type() === 'error' && !allow.some(status => m.text().includes(`status of ${status}`))) {
        this.faults.push(`${page.url()}: the console says ${m.text()}`)
      }
    })
    page.on('pageerror', e => this.faults.push(`${page.url()}: a script fails: ${e}`))
    page.on('request', r => {
      if (!r.url().startsWith(this.url)) this.faults.push(`${page.url()} asks ${r.url()}: want nothing from elsewhere`)
    })
    await page.goto(this.url + path)
    return page
  }

  // judge says what is wrong with how a page is made and how it lies there.
  async judge(page, name) {
    const { overflow, moved } = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - innerWidth, moved: globalThis.moved,
    }))
    this.want(`${name}: no sideways scrolling`, overflow <= 0, overflow)
    this.want(`${name}: nothing moves after it was shown`, moved === undefined || moved < mostShift, moved)
    await page.evaluate(axe)
    const violations = await page.evaluate(async () => (await globalThis.axe.run(document, {
      resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })).violations.map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => `${n.target.join(' ')} ${n.any.concat(n.all, n.none).map(c => c.message).join('; ')}`).join(' | ')}`))
    for (const v of violations) this.faults.push(`${name}: axe: ${v}`)
  }

  // looks looks at a page in the dark on a phone, in the light on a screen, and on paper, all of one load. It returns
  // where its links lead.
  async looks(page, path, name) {
    await page.setViewportSize(looks.narrow.viewport)
    await page.emulateMedia({ media: 'screen', colorScheme: 'dark' })
    await page.goto(this.url + path)
    await this.judge(page, `${path}, narrow and dark`)
    await this.shot(page, `${name}-narrow`, {})
    await page.evaluate(() => { globalThis.moved = 0 })
    await page.setViewportSize(looks.wide.viewport)
    await page.emulateMedia({ colorScheme: 'light' })
    await page.evaluate(() => new Promise(drawn => { requestAnimationFrame(() => requestAnimationFrame(drawn)) }))
    await page.evaluate(() => { globalThis.moved = 0 }) // what another width moves doesn't count
    await this.judge(page, `${path}, wide`)
    await this.shot(page, `${name}-wide`)
    await page.emulateMedia({ media: 'print' })
    await this.shot(page, `${name}-print`)
    return page.$$eval('nav a, main a', links => links.map(a => a.href))
  }

  async shot(page, name, options = { fullPage: true }) {
    await page.screenshot({ path: join(this.shots, `${name}.png`), ...options })
  }

  // end closes the browser, and the program: with 1 if anything was wrong.
  async end() {
    await this.browser.close()
    if (this.faults.length) {
      console.error([...new Set(this.faults)].join('\n'))
      process.exit(1)
    }
  }
}
