import { SimpleHTTPRequestHandler } from 'basehttp'

/** Who may read, and by which password. */
export const USERS: ReadonlyMap<string, string> = new Map([
  ['Aladdin', 'open sesame'],
  ['colon', 'a:b::c'],
  ['Jürgen', '123£'],
])

export class Auth extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  /** Every request comes through here, whatever its method is. */
  override async parseRequest(): Promise<boolean> {
    if (!(await super.parseRequest())) {
      return false
    }
    if (this.isPublic() || this.isKnown()) {
      return true
    }
    const challenge = 'Basic realm="Files", charset="UTF-8"'
    this.sendError(401, undefined, undefined, [['WWW-Authenticate', challenge]])
    return false
  }

  /** Whether the path leads into the public folder, once it is decoded and normalised. */
  isPublic(): boolean {
    return this.translatePath(this.path).startsWith(this.translatePath('/public/'))
  }

  /** Whether the client has told a name and its password. */
  isKnown(): boolean {
    const field = this.headers.get('Authorization') ?? ''
    const credentials = /^basic +([a-z0-9+/]+=*)$/i.exec(field)?.[1]
    if (credentials === undefined) {
      return false
    }
    const text = Buffer.from(credentials, 'base64').toString()
    const colon = text.indexOf(':')
    return colon !== -1 && USERS.get(text.slice(0, colon)) === text.slice(colon + 1)
  }
}

export default { auth: Auth }
