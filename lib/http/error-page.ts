/**
 * The pages of `sendError()`: the two that it knows, and how one is made from them or from yours.
 *
 * Both are formats for Python's `%` operator, with the names `code`, `message` and `explain`. Your own
 * page may use them too; it writes a literal `%` as `%%`.
 *
 * @module
 */

import { format } from '../stdlib/format.ts'
import { escapeHtml } from '../stdlib/html.ts'

/**
 * The page of Python 3.5, which the article used: HTML 4.01, 447 bytes for a 404.
 *
 * @python http.server.DEFAULT_ERROR_MESSAGE
 */
export const ERROR_PAGE_HTML4 = `\
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN"
        "http://www.w3.org/TR/html4/strict.dtd">
<html>
    <head>
        <meta http-equiv="Content-Type" content="text/html;charset=utf-8">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: %(code)d</p>
        <p>Message: %(message)s.</p>
        <p>Error code explanation: %(code)s - %(explain)s.</p>
    </body>
</html>
`

/**
 * The page of Python 3.11 and later: HTML 5, 330 bytes for a 404. To send it, write
 * `override errorMessageFormat = ERROR_PAGE_HTML5`.
 *
 * @python http.server.DEFAULT_ERROR_MESSAGE
 */
export const ERROR_PAGE_HTML5 = `\
<!DOCTYPE HTML>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: %(code)d</p>
        <p>Message: %(message)s.</p>
        <p>Error code explanation: %(code)s - %(explain)s.</p>
    </body>
</html>
`

/**
 * The media type of both pages. Without a space after the semicolon, as Python has it.
 *
 * @python http.server.DEFAULT_ERROR_CONTENT_TYPE
 */
export const ERROR_CONTENT_TYPE = 'text/html;charset=utf-8'

/** What {@link errorPage} needs of a handler. */
interface ErrorPages {
  readonly errorMessageFormat: string
  readonly errorContentType: string
  logError(template: string, ...args: unknown[]): void
}

/** Make the page for an error, and tell its media type. */
export function errorPage(
  handler: ErrorPages,
  code: number,
  message: string,
  explain: string,
): [page: string, type: string] {
  // Security: the message may quote the request (bpo-1100201).
  const names = { code, message: escapeHtml(message, false), explain: escapeHtml(explain, false) }
  try {
    return [format(handler.errorMessageFormat, names), handler.errorContentType]
  } catch (error) {
    // Differs: in Python the handler dies, and the client gets no response.
    handler.logError('bad errorMessageFormat, write %%%% for a per cent sign: %s', error)
    return [format(ERROR_PAGE_HTML4, names), ERROR_CONTENT_TYPE]
  }
}
