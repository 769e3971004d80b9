/**
 * Run one of the article's programs: `npm run example -- http_server_GET 8080`.
 *
 * @module
 */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from './checks/sources.ts'

const folder = join(TOP, 'dist/docs/examples')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -'.js'.length))

const [name = '', port] = process.argv.slice(2)
if (!names.includes(name) || (port !== undefined && !/^[0-9]{1,5}$/.test(port))) {
  console.error(
    `usage: npm run example -- NAME [PORT], where NAME is one of ${names.join(', ')}, ` +
      'and PORT is 8080 if you do not say',
  )
  process.exit(2)
}

// A program runs its server only when it is the one that was started.
const program = join(folder, `${name}.js`)
process.argv.splice(1, 2, program)
process.on('SIGINT', () => {
  process.exit()
})
await import(program)
