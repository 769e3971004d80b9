/**
 * A request as a line for curl, where curl can send it.
 *
 * @module
 */

/** What curl sends of its own, or need not send. */
const OWN = /^(?:(?:host|content-length|accept):|connection: *(?:close|keep-alive) *$)/i

/** The line; undefined if curl would send something else. */
export function curlOf(sent: string, authority: string): string | undefined {
  const end = sent.indexOf('\r\n\r\n')
  const [line = '', ...fields] = sent.slice(0, end).split('\r\n')
  const [, method = '', target = ''] = /^([A-Z]+) (\/\S*) HTTP\/1\.1$/.exec(line) ?? []
  const body = sent.slice(end + 4)
  if (method === '' || end === -1 || /[^\n\x20-\x7e]/.test(body) || body.includes('\r\n\r\n')) {
    return undefined
  }
  const how = method === 'HEAD' ? '-I' : method === 'GET' ? '-i' : `-i -X ${method}`
  const headers = fields.filter((field) => !OWN.test(field)).map((field) => ` -H ${quoted(field)}`)
  const data = body === '' ? '' : ` --data-binary ${quoted(body)}`
  return `curl ${how}${headers.join('')}${data} ${quoted(`http://${authority}${target}`)}`
}

function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
