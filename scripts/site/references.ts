/**
 * What prose may refer to outside of the site, and where that is.
 *
 * @module
 */

/** `RFC 9112 §3.2`, or `§3.2` after an RFC has been named; trackers; and labels that mean something. */
const REFERENCE =
  /\bRFC (\d{3,5})(?: §((?:[A-Z]|\d+)(?:\.\d+)*))?|§((?:[A-Z]|\d+)(?:\.\d+)*)|\b(gh|bpo)-(\d+)\b|\b(CVE-\d{4}-\d+)\b/g

/** A stretch of text, with an address if it is a reference. */
export interface Piece {
  readonly text: string
  readonly href?: string
}

/** Finds the references of a paragraph, in order: a bare section is one of the RFC named last. */
export class References {
  #rfc: string | undefined

  /** Cut a text at its references. */
  cut(text: string): Piece[] {
    const pieces: Piece[] = []
    let position = 0
    for (const match of text.matchAll(REFERENCE)) {
      const [whole, rfc, section, bare, tracker, number, cve] = match
      this.#rfc = rfc ?? this.#rfc
      const href =
        cve !== undefined
          ? `https://www.cve.org/CVERecord?id=${cve}`
          : tracker === 'gh'
            ? `https://github.com/python/cpython/issues/${number ?? ''}`
            : tracker === 'bpo'
              ? `https://bugs.python.org/issue${number ?? ''}`
              : this.#rfc && rfcAddress(this.#rfc, section ?? bare)
      if (href !== undefined) {
        pieces.push({ text: text.slice(position, match.index) }, { text: whole, href })
        position = match.index + whole.length
      }
    }
    return [...pieces, { text: text.slice(position) }].filter((piece) => piece.text !== '')
  }
}

/** The address of a section of an RFC; its appendices have letters. */
export function rfcAddress(rfc: string, section?: string): string {
  const place = section && `#${/^[A-Z]/.test(section) ? 'appendix' : 'section'}-${section}`
  return `https://www.rfc-editor.org/rfc/rfc${rfc}${place ?? ''}`
}

/** The pages of Python's manual, by module; `cgi` is in that of 3.12, its last. */
const MANUAL: readonly (readonly [prefix: string, page: string])[] = [
  ['http.server', '3.13/library/http.server.html'],
  ['http.client', '3.13/library/http.client.html'],
  ['http', '3.13/library/http.html'],
  ['socketserver', '3.13/library/socketserver.html'],
  ['cgi', '3.12/library/cgi.html'],
  ['urllib.parse', '3.13/library/urllib.parse.html'],
  ['posixpath', '3.13/library/os.path.html'],
  ['email.message', '3.13/library/email.compat32-message.html'],
  ['str', '3.13/library/stdtypes.html'],
  ['repr', '3.13/library/functions.html'],
]

/** The source of the modules that people come here to compare. */
const SOURCES: Readonly<Record<string, string>> = {
  'http.server': '3.13/Lib/http/server.py',
  'http.client': '3.13/Lib/http/client.py',
  socketserver: '3.13/Lib/socketserver.py',
  cgi: '3.12/Lib/cgi.py',
}

/** Where Python describes a dotted name: its manual, or for what begins with `_` its source. */
export function pythonAddress(name: string): string {
  const module = MANUAL.find(([prefix]) => name === prefix || name.startsWith(`${prefix}.`))
  const source = module && SOURCES[module[0]]
  if (source !== undefined && /\._(?!_)/.test(name)) {
    return `https://github.com/python/cpython/blob/${source}`
  }
  const [first = ''] = name.split('.')
  const page =
    module?.[1] ??
    (/^[A-Z]/.test(name) ? '3.13/library/exceptions.html' : `3.13/library/${first}.html`)
  const anchor = name
    .replace(/^posixpath\./, 'os.path.')
    .replace(/^email\.message\./, 'email.message.')
  return `https://docs.python.org/${page}#${anchor}`
}
