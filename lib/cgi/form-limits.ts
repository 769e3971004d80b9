/**
 * What a form may cost, and what a client is told that sends one that is not right.
 *
 * @module
 */

import { RequestError } from '../http/request-error.ts'
import { ValueError } from '../stdlib/errors.ts'
import { repr } from '../stdlib/format.ts'

/** What a form may cost; `Infinity` means no limit. See {@link FORM_LIMITS} for the defaults. */
export interface FormLimits {
  /** The bytes of the whole body. */
  maxBytes: number
  /** The number of fields that are not files. */
  maxFields: number
  /** The number of files. */
  maxFiles: number
  /** The bytes of one field, or of one file, in a multipart form. */
  maxPartBytes: number
  /**
   * The total bytes of all fields that are not files, because a program holds them in memory as
   * text. For an urlencoded form, the bytes of the body.
   */
  maxTextBytes: number
  /** The bytes of the header of one part. */
  maxHeaderBytes: number
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/**
 * The default limits.
 *
 * Security: without a limit, clients can fill the disk or the memory. A million fields of one byte
 * each cost far more than a megabyte.
 *
 * @added Python has `max_num_fields` and `cgi.maxlen`, neither of which is set by default.
 */
export const FORM_LIMITS: Readonly<FormLimits> = {
  maxBytes: 2 * GIB,
  maxFields: 1000,
  maxFiles: 100,
  maxPartBytes: GIB,
  maxTextBytes: 4 * MIB,
  maxHeaderBytes: 16 * KIB,
}

/**
 * Check limits that a program gives.
 *
 * @throws {@link ValueError} for one that is not a number.
 */
export function checkLimits(limits: FormLimits): FormLimits {
  for (const name of Object.keys(FORM_LIMITS) as (keyof FormLimits)[]) {
    const limit: unknown = limits[name]
    if (typeof limit !== 'number' || !(limit >= 0)) {
      throw new ValueError(`Cannot limit ${name} to ${repr(limit)}: give a number, or Infinity`)
    }
  }
  return limits
}

/** Hand a body on, and refuse it as soon as it is known to be over a limit: at once, by its length. */
export async function* withinLimits(
  body: AsyncIterable<Buffer>,
  length: number,
  { maxBytes, maxTextBytes }: FormLimits,
  isText: boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const check = (size: number) => {
    if (size > maxBytes) {
      throw tooMany('bytes', maxBytes, 'maxBytes')
    }
    if (isText && size > maxTextBytes) {
      throw tooMany('bytes of text', maxTextBytes, 'maxTextBytes')
    }
  }
  let size = length === Infinity ? 0 : length
  check(size)
  for await (const piece of body) {
    if (length === Infinity) {
      check((size += piece.length))
    }
    yield piece
  }
}

/** The error for a form that exceeds a limit. */
export function tooMany(what: string, limit: number, name: string): RequestError {
  return new RequestError(
    413,
    'Content Too Large',
    `the form has more than ${String(limit)} ${what} (${name})`,
  )
}

/** The error for a body that ends early. */
export function truncated(arrived: number, length: number): RequestError {
  return new RequestError(
    400,
    'Truncated form',
    `the body ended after ${String(arrived)} of ${String(length)} bytes`,
  )
}

/** Refuse a name with a NUL. Security: to programs in C, and to the system, a name ends there. */
export function checkName(name: string | null): void {
  if (name?.includes('\0') === true) {
    throw new RequestError(400, 'Malformed form', 'there is a NUL in a name')
  }
}
