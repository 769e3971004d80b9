/**
 * Header values with parameters: Python's `cgi.parse_header`.
 *
 * ```text
 *   form-data; name="a; \"b\""; filename=c
 *   ---------  ------------------  ----------
 *      key            name=a; "b"    filename=c
 * ```
 *
 * @module
 */

/**
 * Parse a value such as that of `Content-Type`.
 *
 * Inside quotes, `\"` stands for a quote and `\\` for a backslash. Browsers do otherwise: they send
 * a quote as `%22`, which stays as it is here, and a backslash as itself, so that two backslashes in
 * a file name become one. Python has the same flaw.
 *
 * @returns the value before the first semicolon, in lower case, because types are compared without
 * regard to case; and the parameters, with their names in lower case.
 * @python cgi.parse_header
 */
export function parseHeader(line: string): [key: string, parameters: Map<string, string>] {
  const [key = '', ...rest] = splitParameters(line)
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const equals = part.indexOf('=')
    if (equals !== -1) {
      const value = part.slice(equals + 1).trim()
      parameters.set(part.slice(0, equals).trim().toLowerCase(), unquoted(value))
    }
  }
  return [key.toLowerCase(), parameters]
}

/** Split at semicolons that are not inside quotes. */
function splitParameters(line: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '"' && line[at - 1] !== '\\') {
      quoted = !quoted
    } else if (line[at] === ';' && !quoted) {
      parts.push(line.slice(start, at).trim())
      start = at + 1
    }
  }
  return [...parts, line.slice(start).trim()]
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1).replaceAll('\\\\', '\\').replaceAll('\\"', '"')
    : value
}
