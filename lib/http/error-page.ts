/**
 * The two pages that `sendError()` knows how to send.
 *
 * Both are formats for Python's `%` operator, with the names `code`, `message` and `explain`. Your own
 * page may use them too; it writes a literal `%` as `%%`.
 *
 * @module
 */

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
