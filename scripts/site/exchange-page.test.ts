import t from 'tap'
import { readSections } from '../../conformance/run/article.ts'
import { exchangePage } from './exchange-page.ts'
import { EXCHANGES, holdExchanges } from './exchanges.ts'

const AROUND = {
  place: ({ path, line }: { path: string; line: number }) => `${path}#L${String(line)}`,
  prose: (text: string) => text,
}

t.test('exchangePage() is the same in each build, and has each byte twice', async (t) => {
  const [held, again] = [await holdExchanges(), await holdExchanges()]
  const pages = held.map((one) => exchangePage(one, AROUND).html)
  t.same(
    again.map((one) => exchangePage(one, AROUND).html),
    pages,
  )
  for (const [index, { exchanges, title, error }] of held.entries()) {
    const pieces = exchanges.flatMap(({ request, response }) => [...request, ...response])
    const page = pages[index] ?? ''
    const links = [...page.matchAll(/<a class="b \w+" href="#([\w-]+)">/g)].map(([, id]) => id)
    const items = [...page.matchAll(/<li id=([\w-]+)>/g)].map(([, id]) => id)
    t.equal(links.length, pieces.length, title)
    t.same(items.sort(), links.sort(), 'each piece leads to its item')
    t.equal(error, undefined)
  }
})

t.test('the first exchanges are those of the article, in its order', async (t) => {
  const sections = readSections()
  t.same(
    EXCHANGES.slice(0, sections.length).map(({ app }) => app),
    sections.map(({ app }) => app),
  )
})
