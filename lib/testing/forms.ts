/**
 * Multipart bodies that are more or less broken, for fast-check.
 *
 * @module
 */

import fc from 'fast-check'

/** The type of these bodies. */
export const MULTIPART = 'multipart/form-data; boundary=b'

const lineEnd = fc.oneof(
  { weight: 40, arbitrary: fc.constant('\r\n') },
  { weight: 10, arbitrary: fc.constant('\n') },
  { weight: 1, arbitrary: fc.constantFrom('\r', '\r\r\n', '\n\r', '', ' \r\n', '\t\n') },
)

const field = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.constantFrom(
      'Content-Disposition: form-data; name="a"',
      'content-disposition:form-data;name=b; filename="f"',
      'Content-Disposition: form-data; name="c"; filename=""',
      'Content-Disposition: form-data; name="d"; filename*=UTF-8\'\'f',
      'Content-Disposition: form-data;\r\n name="e"',
      'Content-Disposition: form-data;\n\tname="f";\n filename="f"',
    ),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'Content-Type: text/plain',
      'Content-Type: text/plain; charset=nope',
      'Content-Type: text/plain; charset=',
      'Content-Length: 1',
      'X:',
      'X: \xe9 y ',
      `X: ${'x'.repeat(200)}`,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'no colon',
      ': no name',
      'Content-Disposition : form-data; name="a"',
      ' ; folded=or not',
      'X\xe9: 1',
      'X: a\rb',
      '--b',
      '--b--',
      'Content-Disposition: form-data; name="\0"',
    ),
  },
)

const data = fc
  .array(
    fc.constantFrom(
      ...['\r\n', '\n', '\r', '-', '--', '--b', '\r\n--', '\r\n--b-', '\r\n--bb', '\n--b--b', ' '],
      ...['x', 'xyz', '\xe9', '\0', 'x'.repeat(100), '\r\n--b\r', '\n--b \t\f\v', '\r\n\r\n'],
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''))

const delimiter = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant('--b') },
      { weight: 1, arbitrary: fc.constantFrom('-b', '--', ' --b', '--B', '--bb', '--b--', '--b-') },
    ),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom(' ', '\t', ' \t  ', '\v', '\f', '-', 'x', '\0') },
    ),
    lineEnd,
  )
  .map((pieces) => pieces.join(''))

const part = fc
  .tuple(
    delimiter,
    fc.array(
      fc.tuple(field, lineEnd).map((pieces) => pieces.join('')),
      { maxLength: 3 },
    ),
    lineEnd,
    data,
    lineEnd,
  )
  .map(([first, fields, empty, bytes, last]) => [first, ...fields, empty, bytes, last].join(''))

/** The text of a body, each character a byte. */
export const brokenForm = fc
  .tuple(
    fc.constantFrom('', '', '', 'preamble\r\n', '\r\n', '--bb\r\n', '-'),
    fc.array(part, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('--b--\r\n', '--b--\r\n', '--b--\r\n', '--b--', '--b-- \n', '--b', '--b-', ''),
    fc.constantFrom('', '', 'epilogue', '--b\r\n\r\n'),
  )
  .map(([preamble, parts, end, epilogue]) => [preamble, ...parts, end, epilogue].join(''))
  // Where Python is known to find another first delimiter: see `multipart.ts`.
  .filter((text) => {
    const first = text.split('\n').find((line) => /^--b(?:--)?$/.test(line.trim()))
    return first === undefined || /^--b(?!-)/.test(first)
  })
