import { SimpleHTTPRequestHandler } from 'basehttp'

/** Who may read, and by which password. */
export const USERS: ReadonlyMap<string, string> = new Map([
  ['Aladdin', 'open sesame'],
  ['colon', 'a:b::c'],
  ['Jürgen', '123£'],
])

export class Auth extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override async parseRequest(): Promise<boolean> {
    // The request is read, and its method not called yet. Return false if you have responded.
    return await super.parseRequest()
  }
}

export default { auth: Auth }
