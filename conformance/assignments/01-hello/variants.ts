import type { Variants } from '../variants.ts'

const LENGTH = "    this.sendHeader('Content-Length', body.length)\n"

export const variants: Variants = {
  wrong: [
    {
      id: 'length-in-characters',
      history: 'The length is taken of the text, and the body is longer by a byte for each umlaut.',
      from: LENGTH,
      to: "    this.sendHeader('Content-Length', body.toString().length)\n",
      killedBy: 'hello/utf8',
    },
    {
      id: 'no-length',
      history: 'The connection stays open, and nothing says where the body ends.',
      from: LENGTH,
      to: '',
      killedBy: 'hello/kept',
    },
    {
      id: 'head-with-body',
      history: 'do_HEAD() calls do_GET().',
      from: '  do_HEAD() {\n    this.sendGreeting()',
      to: '  do_HEAD() {\n    this.do_GET()',
      killedBy: 'hello/head',
    },
    {
      id: 'head-with-body-unseen',
      history: 'The same; the next response on the connection begins with the body.',
      from: '  do_HEAD() {\n    this.sendGreeting()',
      to: '  do_HEAD() {\n    this.do_GET()',
      killedBy: 'hello/head-then-get',
    },
    {
      id: 'no-decoding',
      history: 'The name is greeted as it was sent: J%C3%BCrgen.',
      from: 'unquote(name)',
      to: 'name',
      killedBy: 'hello/utf8',
    },
    {
      id: 'decoded-twice',
      history: 'Both the path and the name in it are decoded.',
      from: 'unquote(name)',
      to: 'unquote(unquote(name))',
      killedBy: 'hello/percent',
    },
    {
      id: 'query-in-the-name',
      history: 'this.path is taken for the path alone.',
      from: "const [path = ''] = this.path.split('?')",
      to: 'const { path } = this',
      killedBy: 'hello/query',
    },
    {
      id: 'decoding-throws',
      history: 'decodeURIComponent() throws for what a client may well send.',
      from: 'unquote(name)',
      to: 'decodeURIComponent(name)',
      killedBy: 'hello/malformed-escape',
    },
    {
      id: 'text-written',
      history: 'wfile takes bytes.',
      from: 'this.wfile.write(body)',
      to: 'this.wfile.write(body.toString())',
      types: false,
      killedBy: 'hello/world',
    },
    {
      id: 'always-world',
      history: 'The first task, and no further.',
      from: "${name === '' ? 'world' : unquote(name)}",
      to: 'world',
      killedBy: 'hello/name',
    },
    {
      id: 'any-path',
      history: 'Whatever is asked for is somebody.',
      from: "name.includes('/')",
      to: "name.includes('//')",
      killedBy: 'hello/not-found',
    },
  ],
  right: [
    {
      id: 'http-1.0',
      from: "override protocolVersion = 'HTTP/1.1'",
      to: "override protocolVersion = 'HTTP/1.0'",
    },
    { id: 'charset-in-capitals', from: 'charset=utf-8', to: 'charset=UTF-8' },
    {
      id: 'more-fields',
      from: LENGTH,
      to: `${LENGTH}    this.sendHeader('Cache-Control', 'no-store')\n    this.sendHeader('X-Greeting', 'yes')\n`,
    },
    {
      id: 'other-case-and-order',
      from: "    this.sendHeader('Content-Type', 'text/plain; charset=utf-8')\n    this.sendHeader('Content-Length', body.length)\n",
      to: "    this.sendHeader('content-length', body.length)\n    this.sendHeader('content-type', 'text/plain; charset=\"utf-8\"')\n",
    },
    {
      id: 'in-chunks',
      from: "    this.sendHeader('Content-Length', body.length)\n    this.endHeaders()\n",
      to: '    this.endHeadersChunked()\n',
    },
    {
      id: 'malformed-is-400',
      from: "    const body = Buffer.from(`Hello, ${name === '' ? 'world' : unquote(name)}!\\n`)\n",
      to: "    let decoded: string\n    try {\n      decoded = decodeURIComponent(name)\n    } catch {\n      this.sendError(400)\n      return null\n    }\n    const body = Buffer.from(`Hello, ${decoded || 'world'}!\\n`)\n",
    },
  ],
}
