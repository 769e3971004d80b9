/**
 * What `curl -v` prints, taken apart.
 *
 * ```text
 *   $ curl -v -i http://127.0.0.1:8080/    the command, if it was kept
 *   * Connected to 127.0.0.1 ...           curl's own words
 *   > GET / HTTP/1.1                       what was sent
 *   < HTTP/1.0 200 OK                      what was received; with -i again, without <
 *   Response body                          and the body
 * ```
 *
 * @module
 */

/** One line, and whose it is. */
export interface TraceLine {
  readonly from: 'command' | 'curl' | 'client' | 'server'
  /** Without its mark. */
  readonly text: string
  /** As it was printed. */
  readonly line: string
}

/** A command and all that it printed. */
export interface Transcript {
  readonly command: string
  readonly lines: readonly TraceLine[]
}

/** Sort the lines that a command printed. */
export function sortLines(lines: readonly string[]): TraceLine[] {
  const sorted: TraceLine[] = []
  for (const line of lines) {
    const [, mark, text = ''] = /^([*<>$])(?: (.*)|\r?\n?)$/s.exec(line) ?? []
    const last = sorted.at(-1)
    if (last !== undefined && isWrapped(last)) {
      // A line that was too long for the page, or a command that goes on.
      const before = last.text.replace(/\\$/, '')
      const joined = last.from === 'command' ? before + line.trim() : `${before} ${line.trim()}`
      sorted[sorted.length - 1] = { ...last, text: joined, line: `${last.line}\n${line}` }
    } else if (mark === '>') {
      sorted.push({ from: 'client', text, line })
    } else if (mark === '*' || /^[{}] \[[0-9]+ bytes data\]/.test(line)) {
      sorted.push({ from: 'curl', text, line })
    } else if (mark === '$') {
      sorted.push({ from: 'command', text, line })
    } else {
      sorted.push({ from: 'server', text: mark === '<' ? text : line, line })
    }
  }
  return sorted
}

function isWrapped({ from, text }: TraceLine): boolean {
  return (from === 'command' && text.endsWith('\\')) || (from === 'client' && text.endsWith(';'))
}

/** What a curl command without `-v` sends: its line, and the fields of any curl. */
export function requestOf(command: string, agent = 'curl/7.43.0'): string[] {
  const url = /\bhttp:\/\/([^/\s]+)(\/\S*)?/.exec(command)
  if (url === null) {
    throw new Error(`"${command}" has no URL that begins with http://`)
  }
  const method = /\s(?:-I|--head)\b/.test(command) ? 'HEAD' : 'GET'
  const [, host = '', path = '/'] = url
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `User-Agent: ${agent}`, 'Accept: */*', '']
}
