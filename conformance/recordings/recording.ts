/**
 * Recordings: raw requests, with the responses of a real CPython.
 *
 * A recording is data, two JSON files: the requests, and for each version of Python what came
 * back, with all that varies from run to run replaced by a mark (`normalise`). The same is done to
 * our own response, and then the two must be equal, byte for byte.
 *
 * Where this library differs on purpose, `deviations/recordings.json` says so.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Action, Exchange, Expectation } from '../judge/exchange.ts'

/** A recorded request. */
export interface RecordedCase {
  readonly id: string
  readonly title: string
  /** Which of the recorded servers it was sent to. */
  readonly server: string
  /** The first tag is the family. */
  readonly tags: readonly string[]
  readonly send: readonly SendStep[]
  /** Whether the client says, after the last byte, that nothing more will come. */
  readonly half_close?: boolean
}

/** A step of the client; data without a pause or a wait in between is sent in one write. */
export type SendStep =
  /** Each character is a byte; `times` repeats them, `split_ms` sends them one by one. */
  | { readonly latin1: string; readonly times?: number; readonly split_ms?: number }
  | { readonly base64: string; readonly times?: number; readonly split_ms?: number }
  | { readonly pause_ms: number }
  | { readonly wait_for: string }

/** What a Python sent, normalised. */
export interface Recording {
  readonly id: string
  /** Normalised, as ISO 8859-1 text. */
  readonly response: string
  readonly closed: boolean
  readonly log: readonly string[]
  readonly waits?: readonly boolean[]
  /** The version of that Python: `3.13.0`. */
  readonly python?: string
}

/** A recorded request with its response, ready to be replayed. */
export interface ReplayCase extends Exchange {
  /** The Python's name, then the recording's id: `cpython-3.13/reqline-get-plain`. */
  readonly id: string
  readonly title: string
  readonly server: string
  readonly family: string
  readonly recording: Recording
}

/** Read recorded requests, without responses. */
export function readCases(folder: string): RecordedCase[] {
  return (readJSON(join(folder, 'cases.json')) as { cases: RecordedCase[] }).cases
}

/**
 * Read recorded requests, and the responses that belong to them.
 *
 * @param folder - contains `cases.json` and `<python>.json`
 * @param python - whose responses: `cpython-3.13`
 */
export function readRecordings(folder: string, python: string): ReplayCase[] {
  const { records } = readJSON(join(folder, `${python}.json`)) as { records: Recording[] }
  const responses = new Map(records.map((record) => [record.id, record]))
  return readCases(folder).map((one) => {
    const recording = responses.get(one.id)
    if (recording === undefined) {
      throw new Error(`${python}.json has no response for the case "${one.id}"`)
    }
    return replayCase(one, recording, python)
  })
}

/** The id of a recording, without its Python. */
export function nameOf(id: string): string {
  return id.slice(id.indexOf('/') + 1)
}

function readJSON(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Put a request and its response together. */
export function replayCase(one: RecordedCase, recording: Recording, python: string): ReplayCase {
  return {
    id: `${python}/${one.id}`,
    title: one.title,
    server: one.server,
    family: one.tags[0] as string,
    recording,
    actions: actionsOf(one, recording.waits),
    expectation: expectationOf(one.server, recording),
  }
}

/** What a server is expected to send: the recording. */
export function expectationOf(server: string, recording: Recording): Expectation {
  return {
    closes: recording.closed,
    progress(received) {
      // Once dates have been replaced, a missing part cannot be told from a wrong one, so
      // nothing counts as wrong before the end.
      return normalise(received, server) === recording.response ? 'complete' : 'incomplete'
    },
  }
}

/** How long to wait for bytes that did not come in the recording, in milliseconds. */
const ABSENCE = 1000

function actionsOf(one: RecordedCase, waits: readonly boolean[] = []): Action[] {
  const actions: Action[] = []
  const waited = waits.values()
  let data: Buffer[] = []
  const flush = () => {
    if (data.length > 0) {
      actions.push({ do: 'send', bytes: Buffer.concat(data) })
      data = []
    }
  }
  for (const step of one.send) {
    if ('pause_ms' in step) {
      flush()
      actions.push({ do: 'pause', ms: step.pause_ms })
    } else if ('wait_for' in step) {
      flush()
      const came = waited.next().value ?? true
      actions.push({ do: 'wait-for', text: step.wait_for, ...(came ? {} : { ms: ABSENCE }) })
    } else {
      const once =
        'latin1' in step ? Buffer.from(step.latin1, 'latin1') : Buffer.from(step.base64, 'base64')
      const bytes = Buffer.concat(Array<Buffer>(step.times ?? 1).fill(once))
      if (step.split_ms === undefined) {
        data.push(bytes)
      } else {
        flush()
        for (const byte of bytes) {
          actions.push({ do: 'send', bytes: Buffer.from([byte]) })
          actions.push({ do: 'pause', ms: step.split_ms })
        }
      }
    }
  }
  flush()
  if (one.half_close === true) {
    actions.push({ do: 'half-close' })
  }
  return actions
}

// -- Normalising -----------------------------------------------------------------------------

const DATE =
  '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d ' +
  '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d{4} \\d\\d:\\d\\d:\\d\\d GMT'
const DATE_HEADER = new RegExp(`^Date: ${DATE}\\r$`, 'gm')
const LAST_MODIFIED = new RegExp(`^Last-Modified: ${DATE}\\r$`, 'gm')
const CLIENT = /\('127\.0\.0\.1', \d+\)/g
const RUNTIME = /(?:Python|Node)\/v?\d[0-9A-Za-z.+-]*/g

/**
 * Replace what varies from run to run with marks.
 *
 * @param root - the path of the document root, if it must be replaced, too
 */
export function normalise(response: string, server: string, root?: string): string {
  // Python 3.6 shows the document root's path, in one of its listings.
  let text = root === undefined ? response : response.replaceAll(root, '@ROOT@')
  text = text.replace(DATE_HEADER, 'Date: @DATE@\r')
  if (server === 'send_header') {
    // Elsewhere the files' times are fixed, and must be right.
    text = text.replace(LAST_MODIFIED, 'Last-Modified: @DATE@\r')
  }
  text = text.replace(CLIENT, "('127.0.0.1', @PORT@)").replace(RUNTIME, 'Python/@PY@')
  return server === 'post' ? sortFields(text) : text
}

/** Python's `FieldStorage.keys()` is in the order of a set: any order is right. */
function sortFields(text: string): string {
  const mark = 'Form data:\n'
  const at = text.indexOf(mark)
  if (at === -1) {
    return text
  }
  const start = at + mark.length
  const lines = text.slice(start).split('\n')
  const tail = lines.pop() as string
  return (
    text.slice(0, start) +
    lines
      .sort()
      .map((line) => line + '\n')
      .join('') +
    tail
  )
}

const DASHES = '-'.repeat(40)

/**
 * Split a log into lines, with the time replaced, and a report of an exception as one line:
 * `<exception ValueError: and its text>`.
 */
export function normaliseLog(log: string): string[] {
  const lines = log.split('\n')
  if (lines.at(-1) === '') {
    lines.pop()
  }
  const out: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string
    if (line === DASHES) {
      const end = lines.indexOf(DASHES, at + 1)
      const report = lines.slice(at + 1, end === -1 ? lines.length : end)
      const last = report.findLast((text) => !/^(?: |Exception |Traceback|$)/.test(text)) ?? ''
      at += report.length + 1
      out.push(`<exception ${last}>`)
    } else {
      const time = /^(\S+ - - )\[\d\d\/[A-Z][a-z]{2}\/\d{4} \d\d:\d\d:\d\d\]/
      out.push(line.replace(time, '$1[@TIME@]'))
    }
  }
  return out
}

// -- Comparing -------------------------------------------------------------------------------

/** What was observed when a case was replayed. */
export interface Observation {
  /** Normalised. */
  readonly response: string
  readonly closed: boolean
  readonly waits: readonly boolean[]
  /** Normalised; undefined if the target's log cannot be read. */
  readonly log: readonly string[] | undefined
}

/** Name the ways in which an observation differs from the recording; none if it agrees. */
export function differences(recording: Recording, seen: Observation): string[] {
  const different: string[] = []
  if (seen.response !== recording.response) {
    different.push('response')
  }
  if (seen.closed !== recording.closed) {
    different.push('closed')
  }
  if (!equal(seen.waits, recording.waits ?? [])) {
    different.push('waits')
  }
  if (seen.log !== undefined && !equal(loosened(seen.log), loosened(recording.log))) {
    different.push('log')
  }
  return different
}

/** The text of an exception depends on the language; that there is one does not. */
function loosened(log: readonly string[]): string[] {
  return log.map((line) => (line.startsWith('<exception') ? '<exception>' : line))
}

function equal<Item>(one: readonly Item[], other: readonly Item[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index])
}
