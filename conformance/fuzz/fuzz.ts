/**
 * Run the fuzzer.
 *
 * @module
 */

import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import type { HTTPServer } from 'basehttp'
import { FRONT_ENDS, isInstalled, startFrontEnd } from '../attacks/front-ends.ts'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import { RECORDINGS } from '../paths.ts'
import type { RecordedCase } from '../recordings/recording.ts'
import type { RunningApp } from '../targets/target.ts'
import { accidental, chunked, forms, framed, grammatical, targets } from './conversations.ts'
import type { Conversation } from './conversations.ts'
import {
  difference,
  nodeServer,
  Reader,
  readingServer,
  readStrictly,
  unmarked,
} from './readings.ts'
import type { Reading } from './readings.ts'
import {
  converse,
  exchange,
  FileHandler,
  PlainHandler,
  PlainSubject,
  Stuck,
  Subject,
  ThreadHandler,
  ThreadingSubject,
} from './subject.ts'

/** What the fuzzer is to do. */
export interface FuzzOptions {
  /** How many conversations of each kind. */
  readonly runs: number
  readonly seed: number
  /** A text that the names of the kinds to hold have in them. Default: all. */
  readonly only?: string
  /** Whether to leave out the search for the smallest conversation. */
  readonly first?: boolean
}

/** The front end whose reading is compared: the one that passes on the most. */
export const FRONT_END = FRONT_ENDS[1] as (typeof FRONT_ENDS)[number]

/**
 * Hold conversations of each kind with the servers.
 *
 * @returns what was found: the smallest conversation that shows it, unless `first`, and how to reproduce it.
 */
export async function fuzz({
  runs,
  seed,
  only = '',
  first = false,
}: FuzzOptions): Promise<string[]> {
  const { cases } = JSON.parse(readFileSync(join(RECORDINGS, 'cases.json'), 'utf8')) as {
    cases: RecordedCase[]
  }
  const root = mkdtempSync(join(tmpdir(), 'basehttp-fuzz-'))
  makeDocumentRoot(root)
  const plain = new Subject(['127.0.0.1', 0], PlainHandler)
  const files = new Subject(['127.0.0.1', 0], FileHandler)
  files.handlerOptions = { directory: root }
  const single = new PlainSubject(['127.0.0.1', 0], PlainHandler)
  const threads = new ThreadingSubject(['127.0.0.1', 0], ThreadHandler)
  threads.maxThreads = 2
  const reading = readingServer()
  const servers = [plain, files, threads, single, reading]
  const nodeReadings: Reading[] = []
  const node = nodeServer(nodeReadings)
  let frontEnd: RunningApp | undefined
  const stuck = new Set<HTTPServer>()
  const found: string[] = []
  const unhandled = (error: unknown) => {
    found.push(
      `an unhandled rejection: ${error instanceof Error ? String(error.stack) : String(error)}`,
    )
  }
  process.on('unhandledRejection', unhandled)
  const serving = []
  try {
    for (const server of servers) {
      await server.bindAndActivate()
      serving.push(server.serveForever())
    }
    node.listen(0, '127.0.0.1')
    await once(node, 'listening')
    const { port } = node.address() as AddressInfo
    if (isInstalled(FRONT_END)) {
      frontEnd = await startFrontEnd(FRONT_END, reading.serverPort, root)
    }
    const kinds: Kind[] = [
      { name: 'by the grammar', server: plain, conversations: grammatical },
      { name: 'by the grammar, one at a time', server: single, conversations: grammatical },
      { name: 'by the grammar, to threads', server: threads, conversations: grammatical },
      { name: 'in chunks', server: plain, conversations: chunked },
      { name: 'in chunks, one at a time', server: single, conversations: chunked },
      { name: 'forms', server: plain, conversations: forms },
      { name: 'forms, one at a time', server: single, conversations: forms },
      { name: 'forms, to threads', server: threads, conversations: forms },
      { name: 'targets, to the file server', server: files, conversations: targets },
      { name: 'broken, to a handler', server: plain, conversations: accidental(cases) },
      { name: 'broken, to the file server', server: files, conversations: accidental(cases) },
      {
        name: 'framing, as node:http and the judge read it',
        server: reading,
        conversations: framed,
        hold: (one) => compare(reading.serverPort, port, nodeReadings, one),
      },
      {
        name: `framing, behind ${FRONT_END.name}`,
        server: reading,
        conversations: framed,
        hold: (one) => passOn(frontEnd as RunningApp, one),
      },
    ]
    for (const { name, server, conversations, hold } of kinds) {
      if (!name.includes(only) || (name.includes('behind') && frontEnd === undefined)) {
        continue
      }
      const property = fc.asyncProperty(conversations, async (one) => {
        // A conversation that hangs is reported as found: each try to shrink it would take as long.
        if (stuck.has(server)) {
          return
        }
        try {
          await (hold === undefined ? converse(server, one) : hold(one))
        } catch (error) {
          if (error instanceof Stuck) {
            stuck.add(server)
          }
          throw error
        }
      })
      const result = await fc.check(property, { numRuns: runs, seed, endOnFailure: first })
      if (result.failed) {
        const [smallest] = result.counterexample ?? []
        found.push(
          `${name}: ${String((result.errorInstance as Error | null)?.message)}\n` +
            `sent: ${JSON.stringify(smallest)}\n` +
            `again: npm run fuzz -- --runs ${String(runs)} --seed ${String(seed)}`,
        )
      }
    }
  } finally {
    node.close()
    node.closeAllConnections()
    await frontEnd?.stop()
    for (const server of servers) {
      if (!stuck.has(server)) {
        await server.shutdown()
        await server.serverClose()
      }
    }
    if (stuck.size === 0) {
      await Promise.all(serving)
    }
    process.off('unhandledRejection', unhandled)
    rmSync(root, { recursive: true })
  }
  return found
}

/** A kind of conversation, and the server that it is held with. */
interface Kind {
  readonly name: string
  readonly server: HTTPServer
  readonly conversations: Arbitrary<Conversation>
  /** How, if not by {@link converse}. */
  readonly hold?: (conversation: Conversation) => Promise<void>
}

/** Hold a conversation with this library and with `node:http`, and compare what they and the judge read. */
async function compare(
  ours: number,
  nodes: number,
  nodeReadings: Reading[],
  conversation: Conversation,
): Promise<void> {
  Reader.readings = []
  nodeReadings.length = 0
  await Promise.all([exchange(ours, conversation), exchange(nodes, conversation)])
  throwIf(difference(Reader.readings, nodeReadings), 'ours and node:http')
  throwIf(difference(Reader.readings, readStrictly(conversation.text)), 'ours and the judge')
}

/** Hold a conversation through a front end: the server must see what that has passed on, and no more. */
async function passOn(frontEnd: RunningApp, conversation: Conversation): Promise<void> {
  Reader.readings = []
  await exchange(frontEnd.port, conversation)
  // A front end may refuse a request by itself and go on: so which of them come is its own affair.
  throwIf(unmarked(Reader.readings), 'the front end and ours')
}

function throwIf(flaw: string | undefined, who: string): void {
  if (flaw !== undefined) {
    throw new Error(`${who}: ${flaw}`)
  }
}
