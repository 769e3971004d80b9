#!/usr/bin/env node
/**
 * `npm run conformance:import < trace.txt > page.md`: see `import.ts`.
 *
 * Exit status: 0 a page was printed, 2 wrong usage, or the trace cannot become a case.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { importTrace, TraceError } from './import.ts'
import { PageError } from '../judge/fence.ts'
import { parsePage } from '../judge/page.ts'

const USAGE = `\
usage: curl -sv URL > trace.txt 2>&1
       npm run -s conformance:import -- [flags] < trace.txt > page.md

  --id TOPIC/NAME  of the case; imported/trace, if left out
  --app NAME       the app that responded; get, if left out
  --body FILE      the body of the request, which curl does not show
`

process.exitCode = main(process.argv.slice(2))

function main(args: string[]): number {
  try {
    const { values } = parseArgs({
      args,
      options: {
        id: { type: 'string', default: 'imported/trace' },
        app: { type: 'string', default: 'get' },
        body: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      console.log(USAGE)
      return 0
    }
    const { id, app, body } = values
    const about = body === undefined ? { id, app } : { id, app, body: readFileSync(body) }
    const page = importTrace(readFileSync(0, 'latin1'), about)
    // A page that cannot be read again is not worth printing.
    parsePage(page, 'page.md', () => '')
    console.log(page)
    return 0
  } catch (error) {
    const known = error instanceof TraceError || error instanceof PageError
    console.error(known ? error.message : `${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
}
