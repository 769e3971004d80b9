// A file server on Bun.serve(): bun bun.js PORT ROOT.
const [port, root] = process.argv.slice(2)

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  async fetch(request) {
    const file = Bun.file(root + new URL(request.url).pathname)
    return (await file.exists()) ? new Response(file) : new Response('Not found', { status: 404 })
  },
})
