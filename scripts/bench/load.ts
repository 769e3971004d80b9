/**
 * The load: `wrk`, where the machine has it, else autocannon, from the other core.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PEERS } from './peers.ts'
import { pinned } from '../measured-server.ts'

/** How requests are made. */
export interface Load {
  readonly connections: number
  /** Each request on a connection of its own. */
  readonly close?: boolean
  /** How many requests are sent before the first response is read. */
  readonly pipeline?: number
  /** More headers. */
  readonly headers?: readonly string[]
  /** Each request is a POST with a body of this many bytes, in chunks. */
  readonly upload?: { readonly size: number; readonly chunk: number }
}

/** The outcome of a load. */
export interface Done {
  readonly requests: number
  /** Received, heads included; with wrk, also of a response that was incomplete at the end. */
  readonly bytes: number
  readonly seconds: number
}

const HAS_WRK = spawnSync('wrk', ['--version']).error === undefined
const AUTOCANNON = join(PEERS, 'node_modules/autocannon/autocannon.js')

/**
 * Whether the tool can open a new connection for each request, count bytes, and send chunks. autocannon
 * sends `Connection: close` after its own `Connection: keep-alive`, is itself the bottleneck when
 * responses are large, and frames bodies itself.
 */
export const IS_ABLE = HAS_WRK

/** What makes the load; undefined if there is nothing to make it with. */
export const LOAD_TOOL = HAS_WRK ? 'wrk' : existsSync(AUTOCANNON) ? 'autocannon' : undefined

/**
 * Make requests for a time. The clock is that of the tool, which starts it with the connections:
 * its own start is not counted.
 *
 * @throws an Error when a response was not a success, or a connection failed.
 */
export async function generate(url: string, load: Load, seconds: number): Promise<Done> {
  return HAS_WRK ? wrk(url, load, seconds) : autocannon(url, load, seconds)
}

async function wrk(url: string, load: Load, seconds: number): Promise<Done> {
  const folder = mkdtempSync(join(tmpdir(), 'basehttp-bench-'))
  try {
    const args = [
      '-t1',
      `-c${String(load.connections)}`,
      `-d${String(seconds)}s`,
      '--timeout',
      '30s',
    ]
    for (const header of headersOf(load)) {
      args.push('-H', header)
    }
    if (load.pipeline !== undefined) {
      const script = join(folder, 'pipeline.lua')
      writeFileSync(
        script,
        `init = function(args)
          local one = wrk.format()
          requests = string.rep(one, ${String(load.pipeline)})
        end
        request = function() return requests end`,
      )
      args.push('-s', script)
    }
    if (load.upload !== undefined) {
      const script = join(folder, 'upload.lua')
      writeFileSync(join(folder, 'request'), uploadRequest(url, load.upload))
      writeFileSync(
        script,
        `local whole = io.open('${join(folder, 'request')}', 'rb'):read('*a')
        request = function() return whole end`,
      )
      args.push('-s', script)
    }
    const output = await run(['wrk', ...args, url])
    const [, requests, time, unit, read, size = ''] =
      /(\d+) requests in ([\d.]+)(s|m), ([\d.]+)([KMGT]?)B read/.exec(output) ?? []
    const failures = /Socket errors:.*|Non-2xx.*/.exec(output)
    // An HTTP/1.0 response without a length ends with the connection, which wrk may take for an error.
    if (
      requests === undefined ||
      (failures !== null && !/read \d+, write 0, timeout 0/.test(failures[0]))
    ) {
      throw new Error(`wrk: ${failures?.[0] ?? output}`)
    }
    return {
      requests: Number(requests),
      bytes: Number(read) * 1024 ** ' KMGT'.indexOf(size || ' '),
      seconds: Number(time) * (unit === 'm' ? 60 : 1),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A whole request, as it is on the wire. */
function uploadRequest(url: string, { size, chunk }: NonNullable<Load['upload']>): Buffer {
  const { host, pathname } = new URL(url)
  const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`
  const one = `${chunk.toString(16)}\r\n${'x'.repeat(chunk)}\r\n`
  return Buffer.from(`${head}${one.repeat(size / chunk)}0\r\n\r\n`, 'latin1')
}

async function autocannon(url: string, load: Load, seconds: number): Promise<Done> {
  const args = ['-j', '-c', String(load.connections), '-d', String(seconds)]
  for (const header of load.headers ?? []) {
    args.push('-H', header)
  }
  if (load.pipeline !== undefined) {
    args.push('-p', String(load.pipeline))
  }
  const result = JSON.parse(await run([process.execPath, AUTOCANNON, ...args, url])) as {
    '2xx': number
    non2xx: number
    errors: number
    throughput: { total: number }
    duration: number
  }
  if (result.non2xx + result.errors > 0) {
    throw new Error(`autocannon: ${String(result.non2xx)} not 2xx, ${String(result.errors)} errors`)
  }
  return {
    requests: result['2xx'],
    bytes: result.throughput.total,
    seconds: result.duration,
  }
}

function headersOf({ close = false, headers = [] }: Load): string[] {
  return close ? [...headers, 'Connection: close'] : [...headers]
}

async function run(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = pinned(1, command)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) {
    throw new Error(`${command.join(' ')} ended with ${String(code)}\n${output}`)
  }
  return output
}
