/**
 * The fences of a case, put together to a conversation: what the client does, in order, and what
 * must come over each connection.
 *
 * ```text
 *   request   GET /one HT       send 'GET /one HT'
 *             {{line:b}}        line b
 *             GET /two ...      send 'GET /two ...'
 *             {{line:a}}        line a
 *             TP/1.1 ...        send 'TP/1.1 ...'
 *   response  ...               expected over a
 *   response  {{line:b}} ...    expected over b
 *   request   GET /three ...    a: wait for 1 response, b: wait for 1 response; then send
 * ```
 *
 * @module
 */

import { FIRST_LINE } from './exchange.ts'
import type { Action, Exchange, Expectation } from './exchange.ts'
import { PageError, parseRequest, parseResponse } from './fence.ts'
import type { Fence } from './fence.ts'
import { matchPattern } from './pattern.ts'
import type { Pattern } from './pattern.ts'

/** What a connection is for. */
export interface Line {
  readonly expectation: Expectation
  /** All that is sent over it and can have a response. */
  readonly request: Buffer
  readonly responses: readonly Pattern[]
}

/** A conversation that is whole: its first connection, and the others by their names. */
export interface Whole extends Exchange, Line {
  readonly beside: ReadonlyMap<string, Line>
}

/** A connection, as far as the fences go. */
class Plan {
  sent: Buffer[] = []
  readonly responses: Pattern[] = []
  /** How many sends and responses there were when the responses were last waited for. */
  awaited = { sent: 0, responses: 0 }
  /** What its last response says about its end. */
  closes: boolean | undefined
  /** Whether the client has ended it. */
  gone = false

  get line(): Line {
    return {
      expectation: expectationOf(this.responses, this.gone || this.closes === true),
      request: Buffer.concat(this.sent),
      responses: this.responses,
    }
  }
}

/** Takes the fences of a case, one after the other. */
export class Conversation {
  readonly #readFile: (name: string) => string
  readonly #actions: Action[] = []
  readonly #plans = new Map([[FIRST_LINE, new Plan()]])
  #name = FIRST_LINE

  /** @param readFile - gives the contents for `{{file:NAME}}`, as ISO 8859-1 text */
  constructor(readFile: (name: string) => string) {
    this.#readFile = readFile
  }

  get #plan(): Plan {
    return this.#plans.get(this.#name) as Plan
  }

  /** Take a `request` fence; it is sent when the responses before it are complete. */
  request(fence: Fence, place: string): void {
    this.#waitForResponses()
    for (const action of parseRequest(fence, place, this.#readFile)) {
      this.#add(action, place)
    }
  }

  /** Take a `response` fence. */
  response(fence: Fence, place: string): void {
    const silence = /^\{\{silent:([1-9][0-9]*)\}\}$/.exec(fence.lines.join('\n'))
    if (silence !== null) {
      this.#actions.push({ do: 'silence', ms: Number(silence[1]) })
      return
    }
    const { line = this.#name, pattern, closes } = parseResponse(fence, place, this.#readFile)
    const plan = this.#plans.get(line)
    if (plan === undefined || plan.gone) {
      const flaw = plan === undefined ? 'has not been opened' : 'has been ended by the client'
      throw new PageError(place, `connection "${line}" ${flaw}, so nothing comes over it`)
    }
    if (plan.closes !== undefined) {
      throw new PageError(place, 'there is a response after the one that ended the conversation')
    }
    plan.responses.push(pattern)
    plan.closes = closes
  }

  /** Begin again, over the connections that are still open. */
  goOn(): void {
    for (const plan of this.#plans.values()) {
      if (plan.closes === false) {
        plan.closes = undefined
      }
    }
  }

  /**
   * Make it whole.
   *
   * @param id - of the case, for messages
   * @throws {@link PageError} when something is missing.
   */
  end(id: string, place: string): Whole {
    const plans = [...this.#plans]
    if (this.#actions.length === 0 || plans.every(([, { closes }]) => closes === undefined)) {
      throw new PageError(
        place,
        `"${id}" needs a request, and a response that ends with {{eof}} or {{open}}`,
      )
    }
    const [endless] = plans.find(([, { gone, closes }]) => !gone && closes === undefined) ?? []
    if (endless !== undefined) {
      throw new PageError(
        place,
        `"${id}" needs, for its connection "${endless}", a response that ends with {{eof}} or ` +
          '{{open}}; or {{leave}} or {{reset}} in a request',
      )
    }
    if (this.#actions.at(-1)?.do === 'silence') {
      throw new PageError(
        place,
        `"${id}" ends with {{silent}}; a request and its response must show that the server lives`,
      )
    }
    const [[, first], ...others] = plans as [[string, Plan], ...[string, Plan][]]
    const beside = new Map(others.map(([name, plan]) => [name, plan.line]))
    return { actions: this.#actions, ...first.line, beside }
  }

  #add(action: Action, place: string): void {
    if (action.do === 'line') {
      this.#select(action.name)
      return
    }
    const plan = this.#plan
    if (action.do === 'leave' || action.do === 'reset' || action.do === 'new') {
      // There is no response to a request whose client has gone.
      plan.sent = plan.sent.slice(0, plan.awaited.sent)
      plan.gone = action.do !== 'new'
      plan.closes = undefined
    } else if (plan.closes === true) {
      this.#actions.push({ do: 'connect-again' })
      plan.closes = undefined
    }
    if (action.do === 'send') {
      if (plan.gone) {
        throw new PageError(place, 'after {{leave}} or {{reset}}, write {{new}} or {{line:NAME}}')
      }
      plan.sent.push(action.bytes)
    }
    this.#actions.push(action)
  }

  #select(name: string): void {
    if (name !== this.#name) {
      this.#name = name
      this.#actions.push({ do: 'line', name })
    }
    if (!this.#plans.has(name)) {
      this.#plans.set(name, new Plan())
    }
  }

  #waitForResponses(): void {
    const back = this.#name
    for (const [name, plan] of this.#plans) {
      const count = plan.responses.length
      if (count > plan.awaited.responses) {
        this.#select(name)
        this.#actions.push({ do: 'wait-for-responses', count })
      }
      plan.awaited = { sent: plan.sent.length, responses: count }
    }
    this.#select(back)
  }
}

/** The responses as one pattern each, matched one after the other. */
function expectationOf(responses: readonly Pattern[], closes: boolean): Expectation {
  return {
    closes,
    progress(received, count = responses.length) {
      const wanted = responses.slice(0, count)
      // A large body is compared when it may be whole, and not with each packet.
      if (received.length > COMPARED_AT_ONCE && received.length < leastLength(wanted)) {
        return 'incomplete'
      }
      let at = 0
      for (const response of wanted) {
        const match = matchPattern(response, received, at)
        if (match.kind !== 'complete') {
          return match.kind === 'incomplete' ? 'incomplete' : 'wrong'
        }
        at = match.end
      }
      return at === received.length ? 'complete' : 'wrong'
    },
  }
}

/** How much of what has come is compared each time that more comes, in bytes. */
const COMPARED_AT_ONCE = 256 * 1024

/** How long responses are that match these patterns, at least. */
function leastLength(responses: readonly Pattern[]): number {
  const lengths = responses.flat().map((token) => ('literal' in token ? token.literal.length : 0))
  return lengths.reduce((sum, length) => sum + length, 0)
}
