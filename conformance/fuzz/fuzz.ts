/**
 * Run the fuzzer.
 *
 * @module
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { HTTPServer } from 'basehttp'
import { makeDocumentRoot } from '../recordings/document-root.ts'
import { RECORDINGS } from '../paths.ts'
import type { RecordedCase } from '../recordings/recording.ts'
import { accidental, forms, grammatical, targets } from './conversations.ts'
import {
  converse,
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
}

/**
 * Hold conversations of each kind with the servers.
 *
 * @returns what was found: the smallest conversation that shows it, and how to reproduce it.
 */
export async function fuzz({ runs, seed }: FuzzOptions): Promise<string[]> {
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
  const servers = [plain, files, threads, single]
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
    const kinds = [
      { name: 'by the grammar', server: plain, conversations: grammatical },
      { name: 'by the grammar, one at a time', server: single, conversations: grammatical },
      { name: 'by the grammar, to threads', server: threads, conversations: grammatical },
      { name: 'forms', server: plain, conversations: forms },
      { name: 'forms, one at a time', server: single, conversations: forms },
      { name: 'forms, to threads', server: threads, conversations: forms },
      { name: 'targets, to the file server', server: files, conversations: targets },
      { name: 'broken, to a handler', server: plain, conversations: accidental(cases) },
      { name: 'broken, to the file server', server: files, conversations: accidental(cases) },
    ]
    for (const { name, server, conversations } of kinds) {
      const property = fc.asyncProperty(conversations, async (one) => {
        // A conversation that hangs is reported as found: each try to shrink it would take as long.
        if (stuck.has(server)) {
          return
        }
        try {
          await converse(server, one)
        } catch (error) {
          if (error instanceof Stuck) {
            stuck.add(server)
          }
          throw error
        }
      })
      const result = await fc.check(property, { numRuns: runs, seed, endOnFailure: false })
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
