/**
 * The files of a case: what is there before it, what is changed on the way, and what must be there
 * afterwards.
 *
 * ````text
 *   ```setup hello.txt                      a file with this content, of a Thursday in 2016;
 *   ```setup hello.txt 2024-02-29T12:00Z    of another time;
 *   ```setup folder/                        a folder; names are percent-encoded: with%20space
 *   ```setup link -> ../outside.txt         a symbolic link
 *   ```setup pipe |                         a FIFO
 *   ```setup !hello.txt                     a file is removed
 *
 *   ```root
 *   up/a.txt: Hello                         this file is there, with this content
 *   !../a.txt                               there is none
 *   nothing else                            there is no other file than these, and those of a setup
 *   ```
 *   {{slice:hello.txt:0:5}}                 in a request or an answer: a part of a file, as slice() counts
 *   {{bytes:1:1000}}                        a thousand bytes, which differ for each seed
 * ````
 *
 * `{{sigterm}}` in a request asks the program to end, and goes on when it takes no more connections; then its
 * process must end with status 0.
 *
 * What a proxy has behind it, `upstream` and `forwarded`, is in `upstream.ts`.
 *
 * A line ends with LF in a file, and the line end before the closing fence is not data.
 *
 * @module
 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { utimesSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PageError, parsePattern } from '../judge/fence.ts'
import type { Fence } from '../judge/fence.ts'
import type { Token } from '../judge/pattern.ts'
import { onlyText } from '../judge/saved.ts'
import type { Stage } from '../judge/turns.ts'
import { judgeBody, parseBody } from '../judge/values.ts'
import type { ExpectedBody } from '../judge/values.ts'
import type { Finding } from '../judge/verdict.ts'
import type { RunningApp } from '../targets/target.ts'
import { patiently } from '../patience.ts'
import { parseForwarded, parseUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

/** The time of a file that says nothing else. */
const DATE = new Date('Thu, 06 Oct 2016 20:44:11 GMT')

/** How long a server may take to leave the files as they must be, once it has responded. */
const SETTLE_LIMIT = patiently(2000)

/** What this machine cannot make, so that the case cannot be played. */
export class CannotMake extends Error {
  override readonly name = 'CannotMake'
}

/** The files of one play of a case. */
export class FileStage implements Stage {
  /** What is wrong with the files afterwards. */
  readonly findings: Finding[] = []
  /** Whether the server has been asked to end, so that its process must. */
  ends = false
  readonly #root: string
  readonly #seed: number
  readonly #upstream: Upstream | undefined
  readonly #app: Pick<RunningApp, 'sigterm'> | undefined
  /** What the pages have put there so far, as ISO 8859-1 text. */
  readonly #files = new Map<string, string>()

  /**
   * @param upstream - the server behind a proxy, where there is one
   * @param app - what the case is played on; left out where it is only read
   */
  constructor(root: string, seed: number, upstream?: Upstream, app?: Pick<RunningApp, 'sigterm'>) {
    this.#upstream = upstream
    this.#app = app
    this.#root = root
    this.#seed = seed
  }

  act(fence: Fence, place: string): () => void | Promise<void> {
    const [kind = '', ...words] = fence.kind.split(' ')
    switch (kind) {
      case 'setup':
        return this.#setup(words.join(' '), fence, place)
      case 'root':
        return this.#check(fence, place)
      case 'upstream': {
        const actions = parseUpstream(fence, place, this.#own(place))
        return () => {
          this.#upstream?.prepare(actions)
        }
      }
      case 'forwarded': {
        const judge = parseForwarded(fence, place, this.#own(place))
        return () => void this.findings.push(...judge(this.#upstream?.next()))
      }
      default: {
        const kinds = 'request, answer, response, setup, root, upstream or forwarded'
        throw new PageError(place, `a fence of a case is ${kinds}, and not "${fence.kind}"`)
      }
    }
  }

  sigterm(): () => Promise<void> {
    const app = this.#app
    if (app !== undefined && app.sigterm === undefined) {
      throw new CannotMake('this machine cannot send the program SIGTERM')
    }
    return async () => {
      this.ends = true
      if ((await app?.sigterm?.()) === false) {
        this.findings.push(flaw('after SIGTERM, the program still takes connections'))
      }
    }
  }

  text(name: string, place: string): string | undefined {
    if (name === 'upstream') {
      return this.#upstream?.authority ?? '127.0.0.1:1'
    }
    const [, seeded, length] = /^bytes:([0-9]+):([0-9]+)$/.exec(name) ?? []
    if (length !== undefined) {
      return bytesOf(`${String(this.#seed)} ${String(seeded)}`, Number(length))
    }
    const [, file, from, to] = /^slice:(.*):(-?[0-9]*):(-?[0-9]*)$/.exec(name) ?? []
    if (file === undefined) {
      return undefined
    }
    const content = this.#files.get(file)
    if (content === undefined) {
      throw new PageError(place, `{{${name}}}: no setup has made "${file}" before this`)
    }
    return content.slice(Number(from), to === '' ? undefined : Number(to))
  }

  #own(place: string): (name: string) => Token | undefined {
    return (name) => {
      const literal = this.text(name, place)
      return literal === undefined ? undefined : { literal }
    }
  }

  // -- Before ----------------------------------------------------------------------------------

  #setup(words: string, fence: Fence, place: string): () => void {
    const { name, how, argument } = parseSetup(words, place)
    const path = join(this.#root, name)
    if (how !== 'file' && fence.lines.length > 0) {
      throw new PageError(place, `"${words}" has no content`)
    }
    switch (how) {
      case 'remove':
        return () => {
          rmSync(path, { recursive: true, force: true })
        }
      case 'folder':
        return () => void mkdirSync(path, { recursive: true })
      case 'link':
        return () => {
          mkdirSync(dirname(path), { recursive: true })
          possibly('a symbolic link', () => {
            symlinkSync(argument, path)
          })
        }
      case 'fifo':
        return () => {
          possibly('a FIFO', () => void execFileSync('mkfifo', [path], { stdio: 'ignore' }))
        }
      case 'file': {
        const text = asFile(fence.lines)
        const content = onlyText(parsePattern(text, place, this.#own(place)))
        if (content === undefined) {
          throw new PageError(place, 'a file that is made has no holes')
        }
        this.#files.set(name, content)
        const time = argument === '' ? DATE : new Date(argument)
        return () => {
          mkdirSync(dirname(path), { recursive: true })
          writeFileSync(path, content, 'latin1')
          utimesSync(path, time, time)
        }
      }
    }
  }

  // -- Afterwards ------------------------------------------------------------------------------

  #check(fence: Fence, place: string): () => Promise<void> {
    const wanted = new Map<string, ExpectedBody | undefined>()
    let only = false
    for (const line of fence.lines) {
      if (line === 'nothing else') {
        only = true
        continue
      }
      const [, not = '', name = '', value] = /^(!?)(\S+?)(?:: ?(.*))?$/.exec(line) ?? []
      if (name === '' || (not === '!') !== (value === undefined)) {
        throw new PageError(place, `"${line}" is not "name: content", "!name" or "nothing else"`)
      }
      wanted.set(
        name,
        value === undefined ? undefined : parseBody([value], place, '', this.#own(place)),
      )
    }
    const known = only ? new Set([...this.#files.keys(), ...wanted.keys()]) : undefined
    return async () => {
      const deadline = Date.now() + SETTLE_LIMIT
      let findings = this.#look(wanted, known)
      // What follows the response, such as the end of a client that has left, may take a moment.
      while (findings.length > 0 && Date.now() < deadline) {
        await sleep(20)
        findings = this.#look(wanted, known)
      }
      this.findings.push(...findings)
    }
  }

  #look(
    wanted: ReadonlyMap<string, ExpectedBody | undefined>,
    known: ReadonlySet<string> | undefined,
  ): Finding[] {
    const findings: Finding[] = []
    for (const [name, body] of wanted) {
      const content = contentOf(join(this.#root, name))
      if (body === undefined) {
        findings.push(...(content === undefined ? [] : [flaw(`there must be no file "${name}"`)]))
      } else if (content === undefined) {
        findings.push(flaw(`there is no file "${name}" afterwards`))
      } else {
        const inside = judgeBody(body, content, new Map())
        findings.push(
          ...inside.map((one) => ({
            ...one,
            flaw: `in the file "${name}", ${one.flaw.replace('of the body ', '').replace('the body has', 'there are')}`,
          })),
        )
      }
    }
    if (known !== undefined) {
      const excess = filesBelow(this.#root).find((name) => !known.has(name))
      findings.push(
        ...(excess === undefined
          ? []
          : [flaw(`there is a file "${excess}" afterwards, which nobody asked for`)]),
      )
    }
    return findings
  }
}

/** Make something that not every system has, or lets everybody make. */
function possibly(what: string, make: () => void): void {
  try {
    make()
  } catch (error) {
    throw new CannotMake(`this machine cannot make ${what}`, { cause: error })
  }
}

function flaw(text: string): Finding {
  return { line: '', flaw: text }
}

/** What the words behind `setup` say. */
function parseSetup(words: string, place: string) {
  const [, link, target] = /^(\S+) -> (\S+)$/.exec(words) ?? []
  if (link !== undefined && target !== undefined) {
    return { name: decodeURIComponent(link), how: 'link', argument: target } as const
  }
  const [, not, encoded = '', more = ''] = /^(!?)(\S+)(?: (\S+))?$/.exec(words) ?? []
  const name = decodeURIComponent(encoded)
  if (name === '' || (not === '!' && more !== '')) {
    throw new PageError(
      place,
      `"setup ${words}" names no file; write for example "setup hello.txt"`,
    )
  }
  if (not === '!') {
    return { name, how: 'remove', argument: '' } as const
  }
  if (more === '|') {
    return { name, how: 'fifo', argument: '' } as const
  }
  if (more !== '' && Number.isNaN(Date.parse(more))) {
    throw new PageError(place, `"${more}" is not a time such as 2024-02-29T12:00:00Z`)
  }
  return { name, how: name.endsWith('/') ? 'folder' : 'file', argument: more } as const
}

/** Lines as they stand in a file: with LF, where a backslash at the end does not take it away. */
function asFile(lines: readonly string[]): string {
  return lines
    .map((line, index) => {
      if (/(?:^|[^\\])(?:\\\\)*\\$/.test(line)) {
        return line.slice(0, -1)
      }
      return index === lines.length - 1 ? line : `${line}\n`
    })
    .join('')
}

/** Bytes that a seed makes, as ISO 8859-1 text. */
function bytesOf(seed: string, length: number): string {
  let text = ''
  for (let block = 0; text.length < length; block++) {
    const digest = createHash('sha256')
      .update(`${seed} ${String(block)}`)
      .digest()
    text += digest.toString('latin1')
  }
  return text.slice(0, length)
}

function contentOf(path: string): string | undefined {
  try {
    return lstatSync(path).isFile() ? readFileSync(path, 'latin1') : ''
  } catch {
    return undefined
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}

/** Empty a folder, and leave it where it is: a server may have it as its current one. */
export function empty(folder: string): void {
  for (const name of readdirSync(folder)) {
    rmSync(join(folder, name), { recursive: true, force: true })
  }
}
