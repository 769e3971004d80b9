/**
 * The colours of the log on a terminal, which are those of Python 3.15 (gh-146292).
 *
 * @module
 */

const RESET = '\x1b[0m'
const RED = '\x1b[31m'
const GREEN = '\x1b[32m'
const YELLOW = '\x1b[33m'
const CYAN = '\x1b[36m'
const GREY = '\x1b[90m'
const BRIGHT_CYAN = '\x1b[96m'

/** By the first digit of the status code. */
const STATUS: Readonly<Record<string, string>> = {
  1: RESET,
  2: GREEN,
  3: BRIGHT_CYAN,
  4: YELLOW,
  5: RED,
}

/**
 * Whether to colour the log: on a terminal, unless `NO_COLOR` is set; with `FORCE_COLOR`, everywhere.
 * An empty variable counts as unset.
 *
 * Differs: Python also has a variable of its own, `PYTHON_COLORS`.
 */
export function wantsColors(
  stream: { readonly isTTY?: boolean },
  { NO_COLOR = '', FORCE_COLOR = '', TERM }: NodeJS.ProcessEnv,
): boolean {
  if (NO_COLOR !== '') {
    return false
  }
  return FORCE_COLOR !== '' || (stream.isTTY === true && TERM !== 'dumb')
}

/**
 * Colour the lines of a log: time, path and status, or the whole message of an error. Other lines,
 * such as those of an exception, stay as they are.
 *
 * Security: control characters in what a client has sent are escaped before the text gets here.
 */
export function colored(text: string): string {
  return text.replace(
    /^(\S+ - - )(\[[^\]]*\]) (?:"(\S+ )(.*?)( HTTP\/[\d.]+)?" (\d{3}) (\S+)|(.*))$/gm,
    (
      _line,
      who: string,
      time: string,
      method: string | undefined,
      path: string,
      version: string | undefined,
      status: string,
      size: string,
      message: string,
    ) => {
      const start = `${who}${GREY}${time}${RESET} `
      if (method === undefined) {
        return `${start}${YELLOW}${message}${RESET}`
      }
      const color = STATUS[status.charAt(0)] ?? RESET
      return (
        `${start}"${method}${CYAN}${path}${RESET}${version ?? ''}" ` +
        `${color}${status}${RESET} ${GREY}${size}${RESET}`
      )
    },
  )
}
