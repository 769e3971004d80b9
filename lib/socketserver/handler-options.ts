/**
 * A server's `handlerOptions`: how they are set on a handler, and the checks for the `checkOptions()` of
 * the handlers. So a wrong value is found when the server is bound, and not by the first client.
 *
 * Each check throws a `TypeError` that names the option, the value and what to give instead; an option that is
 * undefined is left out and passes.
 *
 * @module
 */

import { Duplex } from 'node:stream'
import { repr } from '../stdlib/format.ts'
import type { Address, BaseRequestHandler, Connection } from './request-handler.ts'

/** Values for fields of a handler, by name. */
export type HandlerOptions = Readonly<Record<string, unknown>>

/**
 * Set the fields of a handler; an option that is undefined leaves its field as it is.
 *
 * @throws `TypeError` for an option that is not a field of the handler.
 */
export function setOptions(handler: object, options: HandlerOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(name in handler)) {
      throw new TypeError(
        `Cannot set the handler option ${repr(name)}: ${handler.constructor.name} has no such field`,
      )
    }
    if (value !== undefined) {
      Object.assign(handler, { [name]: value })
    }
  }
}

/**
 * Make a handler that is never run, to see what its fields are: a misspelt option is found when the
 * server is bound, and not by the first client. In Python, fields are those of the class, and can be
 * seen without an object.
 *
 * @throws `TypeError` for an option that is not a field of the handler.
 */
export function sampleHandler(server: {
  makeHandler(request: Connection, clientAddress: Address): BaseRequestHandler
}): BaseRequestHandler {
  return server.makeHandler(new Duplex(), '')
}

/** Check that an option is a number of seconds, or null. */
export function checkSeconds(options: HandlerOptions, name: string): void {
  const fits = (value: unknown) => value === null || (typeof value === 'number' && value >= 0)
  check(options, name, fits, 'a number of seconds, or null to wait for ever')
}

/** Check that an option is one of several texts. */
export function checkOneOf(options: HandlerOptions, name: string, texts: readonly string[]): void {
  const fits = (value: unknown) => texts.some((text) => text === value)
  check(options, name, fits, texts.map((text) => repr(text)).join(' or '))
}

/** Check that an option is an array of texts. */
export function checkTexts(options: HandlerOptions, name: string, what: string): void {
  check(options, name, isTexts, what)
}

/** Check that an option is an array of pairs of texts. */
export function checkPairs(options: HandlerOptions, name: string, what: string): void {
  const isPair = (item: unknown) => isTexts(item) && item.length === 2
  check(options, name, (value) => Array.isArray(value) && value.every(isPair), what)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function check(
  options: HandlerOptions,
  name: string,
  fits: (value: unknown) => boolean,
  what: string,
): void {
  const value = options[name]
  if (value !== undefined && !fits(value)) {
    throw new TypeError(
      `Cannot set the handler option ${repr(name)} to ${repr(value)}: give ${what}`,
    )
  }
}
