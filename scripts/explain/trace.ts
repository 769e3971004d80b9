/**
 * Where a call comes from: the stack, as V8 has it.
 *
 * @module
 */

/** A function that was under way, and where in the program that runs, which is the compiled one. */
export interface Frame {
  readonly name: string
  readonly url: string
  readonly line: number
  readonly column: number
}

/** Where that is in the source. */
export interface Place {
  readonly name: string
  /** From the top of the repository: `lib/http/message.ts`. */
  readonly path: string
  readonly line: number
}

/** Finds a frame in the source; undefined for what is not of this project. */
export type Finder = (frame: Frame) => Place | undefined

/** More than any stack here has; V8 keeps ten if nothing is said. */
const DEEP = 100

/** The functions that are under way, the innermost first, those that wait for a promise included. */
export function trace(): readonly Frame[] {
  const { stackTraceLimit } = Error
  const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  const holder: { stack?: readonly Frame[] } = {}
  try {
    Error.stackTraceLimit = DEEP
    Error.prepareStackTrace = (_, sites) => sites.map(frameOf)
    Error.captureStackTrace(holder, trace)
    return holder.stack ?? []
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    Reflect.deleteProperty(Error, 'prepareStackTrace')
    if (prepare !== undefined) {
      Object.defineProperty(Error, 'prepareStackTrace', prepare)
    }
  }
}

function frameOf(site: NodeJS.CallSite): Frame {
  return {
    name: site.getFunctionName() ?? '(anonymous)',
    url: site.getScriptNameOrSourceURL() ?? '',
    line: site.getLineNumber() ?? 0,
    column: site.getColumnNumber() ?? 0,
  }
}
