/**
 * The page of the documentation that shows the results: `docs/performance.md`, its pictures and
 * its data.
 *
 * @module
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { TOP } from '../checks/sources.ts'
import type { Growth } from './growth.ts'
import { counted, plotGrowth, plotRatios } from './plot.ts'
import { cells, short } from './table.ts'
import type { Row } from './table.ts'

/** The result of a run. */
export interface Result {
  /** The day, the machine, versions, and how it was measured: a line each. */
  readonly setting: readonly string[]
  readonly rows: readonly Row[]
  readonly growths: readonly Growth[]
  /** The peers that were not there. */
  readonly missing: readonly string[]
}

/** Where a curve bends, and why. */
const BENDS: Readonly<Record<string, string>> = {
  'growth/connections': `\
With one connection, each request costs a turn of the event loop with its system calls; with more,
one turn serves several. With 500, more objects are in use whenever the young generation of the heap
is collected, and all of them are copied.`,
  'growth/requests': `\
Accepting a connection, making a handler for it and closing it costs about as much as three requests.`,
  'growth/headers': `\
A request has a fixed cost; each header adds half a microsecond.`,
  'growth/files': `\
A file is read synchronously, 256 KiB at a time, and sent in as many writes; beyond that size the
copying through the kernel dominates.`,
  'growth/listings': `\
From some hundred names on, the names decide the cost. With 100,000, each costs two to three times as
much as with 1,000, for two reasons that no handler can remove. Reading: the kernel takes twice as
long for each name of so large a directory, and libuv sorts the names before it hands them over.
Memory: the page is sorted, so all names, and then all lines, are alive at once; V8 first copies them
within its young generation, then to the old one, and garbage collection takes a third of the time.
The server handles nothing else for as long as such a page takes.`,
}

/** Write the page, its pictures and its data. */
export async function writePage(result: Result): Promise<void> {
  const docs = join(TOP, 'docs')
  writeFileSync(join(docs, 'performance-ratios.svg'), plotRatios(result.rows))
  writeFileSync(join(docs, 'performance-growth.svg'), plotGrowth(result.growths))
  const save = async (name: string, text: string) => {
    const path = join(docs, name)
    const style = (await resolveConfig(path)) ?? {}
    writeFileSync(path, await format(text, { ...style, filepath: path }))
  }
  await save('performance.json', JSON.stringify(result))
  await save('performance.md', page(result))
}

function page({ setting, rows, growths, missing }: Result): string {
  const titles = [...new Set(rows.map(({ title }) => title))]
  return `\
---
title: Performance
group: Use it
---

<!-- Made by \`npm run bench -- --docs\`; do not edit. -->

# Performance

How fast this server is beside what one would use instead. All servers of a group run at once, each
for a moment, and again: a ratio is taken round by round, and the table has the median, the lowest
and the highest. Only ratios mean anything; the numbers themselves drift by a factor of two from run to run.
"CPU" says how many times the CPU time per request, of the server and its children, the other one
needs. Before a server is measured, its response is checked.

The *floor* of a row is a bare \`node:net\` server that makes the same system calls and nothing else:
it writes canned bytes; or opens a file, asks for its size, reads, closes and writes once; or reads
and writes in a loop. It parses nothing, and so shows how much of a row is Node's and the kernel's.

Ratios belong to their machine, too: one build made 0.77 of the floor's responses on one, and 0.50 of them on
another. The promises were made on the first.

${setting.map((one) => `- ${one}`).join('\n')}
${missing.length === 0 ? '' : `- Not on this machine, and left out: ${missing.join(', ')}\n`}
## Ratios

| | ratio | CPU | promised | aim | |
|---|---|---|---|---|---|
${titles
  .flatMap((title) => [
    [`**${title}**`, '', '', '', '', ''],
    ...rows.filter((row) => row.title === title).map(cells),
  ])
  .map((row) => `| ${row.join(' | ')} |`)
  .join('\n')}

![The ratios; a line is what was promised, a dot the aim](performance-ratios.svg)

Most of a start is Node's own: the floor takes that long, too. Ours loads no module for TLS, forms,
threads or children until it needs one.

The memory that grows is the young generation of V8's heap, from 2 to 33 MB: V8 doubles it whenever
as much as it holds has survived collections. Then it stays as it is, as the next row shows. Keeping
it small costs a quarter more CPU time with 500 connections, so it is left to V8.

## Growth

T(x) is CPU time. A bend says how many times as fast as x it grew from the point before: below 1 a
part of it does not depend on x, 1 is linear, and more is worse.

![The curves; the dashed line grows linearly](performance-growth.svg)

${growths.map(section).join('\n\n')}
`
}

function section({ id, title, unit, points, linear }: Growth): string {
  const rows = points.map(({ x, cost, bend }) => [
    counted(x),
    short(cost.value),
    x === 0 ? '' : (cost.value / x).toPrecision(3),
    bend === undefined ? '' : short(bend),
  ])
  return `\
**T(x): ${title}**: ${linear ? 'nothing worse than linear' : 'worse than linear'}

| ${unit} | T, us | T / x, us | bend |
|---|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

${BENDS[id] ?? ''}`
}
