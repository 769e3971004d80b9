/**
 * The page of an exchange: its bytes as they went over the wire, each with its label.
 *
 * ```text
 *   Request
 *     GET /?foo=bar HTTP/1.1\r\n      a piece is a link; under the pointer or in focus, it shows its label
 *   Response
 *     HTTP/1.0 200 OK\r\n
 *   Every byte of the request
 *     read by handleOneRequest        the same as a list, with links to the source and the RFC, for
 *       GET   method   RFC 9110       readers without a pointer, a wide screen or JavaScript
 * ```
 *
 * @module
 */

import type { Piece } from '../explain/pieces.ts'
import type { Place } from '../explain/trace.ts'
import { visible } from '../explain/visible.ts'
import type { Held, Planned } from './exchanges.ts'
import { escapeHtml } from './html.ts'
import { rfcAddress } from './references.ts'
import { wire } from './wire.ts'

/** The address of an exchange's page. */
export function exchangeUrl({ name }: Planned): string {
  return `exchanges/${name}.html`
}

/** What a page knows of its surroundings. */
export interface Around {
  /** The address of a line of the source, as seen from the page; undefined if it has none. */
  place(place: Place): string | undefined
  prose(markdown: string): string
}

/** The part of a page between title and end, and its headings. */
export function exchangePage(
  held: Held,
  around: Around,
): { html: string; headings: { id: string; text: string }[] } {
  const wires: string[] = []
  const lists: string[] = []
  const headings: { id: string; text: string }[] = []
  const listed: typeof headings = []
  for (const { title, id, pieces, verb } of partsOf(held)) {
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
    wires.push(
      heading(id, title, `${bytes.toLocaleString('en')} bytes`) + linked(pieces, id, '', verb),
    )
    headings.push({ id, text: title })
    const name = `Every byte of the ${title.toLowerCase()}`
    lists.push(heading(`${id}-list`, name) + list(pieces, id, verb, around))
    listed.push({ id: `${id}-list`, text: name })
  }
  const log = held.log.map((line) => escapeHtml(visible(line))).join('\n')
  const end = held.isEndedByServer
    ? 'Then the server ends the connection.'
    : 'Then the server waits for another request, and the client ends the connection.'
  return {
    html:
      around.prose(held.why) +
      `<div class=exchange>${wires.join('')}</div><p>${end} The log, without address and time:</p>` +
      `<pre tabindex=0>${log}</pre>${lists.join('')}`,
    headings: [...headings, ...listed],
  }
}

/** The requests and responses, in their order. */
function partsOf({ exchanges }: Held) {
  return exchanges.flatMap(({ request, response }, index) => {
    const number = exchanges.length === 1 ? '' : ` ${String(index + 1)}`
    return [
      { title: `Request${number}`, id: `q${String(index)}`, pieces: request, verb: 'read' },
      { title: `Response${number}`, id: `r${String(index)}`, pieces: response, verb: 'written' },
    ]
  })
}

function heading(id: string, text: string, more = ''): string {
  const small = more === '' ? '' : ` <small>${more}</small>`
  return `<h2 id=${id}>${text}${small}</h2>`
}

/** The first exchange of a page as bytes alone, for another page. */
export function wiresOf(held: Held, page: string): string {
  return partsOf(held)
    .map(({ title, id, pieces, verb }) => {
      return `<section class=exchange aria-label="${title}">${linked(pieces, id, page, verb)}</section>`
    })
    .join('')
}

/** The bytes as they are, each piece a link to what the list says of it. */
function linked(pieces: readonly Piece[], id: string, page: string, verb: string): string {
  return wire(
    pieces.map(({ bytes, what, section, calls: [call] }, index) => ({
      text: bytes.toString('latin1'),
      what,
      section,
      by: call === undefined ? `not ${verb}` : `${verb} by ${call.name}`,
      href: `${page}#${id}-${String(index)}`,
    })),
  )
}

/** The same as a list: who has read or written the pieces, and what each is. */
function list(pieces: readonly Piece[], id: string, verb: string, around: Around): string {
  const groups: { calls: string; items: string[] }[] = []
  for (const [index, { bytes, what, section, calls, becomes, uses }] of pieces.entries()) {
    const by = callsOf(calls, verb, around)
    if (groups.at(-1)?.calls !== by) {
      groups.push({ calls: by, items: [] })
    }
    const text = visible(bytes.toString('latin1'))
    const shown =
      text.length > 80
        ? `${text.slice(0, 80)}... (${bytes.length.toLocaleString('en')} bytes)`
        : text
    const [rfc = '', number = ''] = section.split(' §')
    const users = [
      ...(becomes?.place === undefined
        ? []
        : [`becomes <code>${becomes.name}</code> in ${linkTo(becomes.place, around)}`]),
      ...(uses.length === 0
        ? []
        : [`used by ${uses.map((use) => linkTo(use, around)).join(', ')}`]),
    ]
    groups
      .at(-1)
      ?.items.push(
        `<li id=${id}-${String(index)}><code>${escapeHtml(shown.replaceAll(/^ +$/g, (all) => '·'.repeat(all.length)))}</code> ` +
          `<span>${escapeHtml(what)}, <a href="${rfcAddress(rfc, number)}">RFC ${rfc} §${number}</a>` +
          `${users.length === 0 ? '' : `<small>${users.join('; ')}</small>`}</span></li>`,
      )
  }
  return groups
    .map(({ calls, items }) => `<p class=calls>${calls}</p><ul class=pieces>${items.join('')}</ul>`)
    .join('')
}

function callsOf(calls: readonly Place[], verb: string, around: Around): string {
  const [first, ...others] = calls.map((call) => linkTo(call, around))
  const rest = others.length === 0 ? '' : `, called by ${others.join(', by ')}`
  return first === undefined
    ? `Not ${verb} by anybody`
    : `${verb === 'read' ? 'Read' : 'Written'} by ${first}${rest}`
}

function linkTo(place: Place, around: Around): string {
  const href = around.place(place)
  const name = `<code>${escapeHtml(place.name)}</code>`
  return href === undefined ? name : `<a href="${href}">${name}</a>`
}

/** The list of all exchanges. */
export function exchangeIndex(all: readonly Held[], prose: (markdown: string) => string): string {
  const rows = all.map((held) => {
    const first = held.exchanges[0]?.request[0]
    const line = /^[^\r\n]*/.exec(held.sent.toString('latin1'))?.[0] ?? ''
    const status = held.exchanges.map(({ response }) => {
      return (
        response.find(({ what }) => what.startsWith('status'))?.bytes.toString('latin1') ?? 'a body'
      )
    })
    return first === undefined
      ? ''
      : `<li><a href="${held.name}.html">${escapeHtml(held.title)}</a> ` +
          `<small><code>${escapeHtml(line)}</code> → ${status.join(', ')}</small>${prose(held.why)}</li>`
  })
  return (
    prose(
      'What a client and this server say to each other, to the last byte: what each stretch of bytes is, which ' +
        'section of which RFC says so, and which lines of the source have read, used or made it. The first six are ' +
        "those of the article.\n\nThese pages are made together with the site, by a real server and a real client. The handler's class " +
        'is derived from, so that it records what it reads and writes, and who called; the recording must be what ' +
        'went over the wire, byte for byte, or there is no page. For an exchange of your own: ' +
        "`npm run explain -- 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' --app get`",
    ) + `<ol class=files>${rows.join('')}</ol>`
  )
}
