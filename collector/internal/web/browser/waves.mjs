// Looks at the pages of waves, narrow and dark, wide and light, and the plan by days on paper.
//   node waves.mjs URL SCREENSHOT_FOLDER full|empty SERVICE
import { Looker } from './lib.mjs'

const [url, shots, books, service] = process.argv.slice(2)
const pages = { planning: '/waves/planning', proposals: '/waves/proposals', pilot: '/waves/pilot' }
if (books === 'full') {
  Object.assign(pages, {
    wave: '/waves/1', lines: '/waves/1/lines', edit: '/waves/1/edit', note: `/services/${service}/planning`,
    move: `/waves/whatif?service=${service}&to=1`, milestone: '/milestones/new?wave=1',
  })
}

const looker = new Looker(url, shots)
await looker.start()
const page = await looker.page(await looker.context(), '/waves')
for (const [name, path] of Object.entries(pages)) await looker.looks(page, path, `waves-${books}-${name}`)
await looker.end()
