// A file server on Deno.serve(): deno run deno.js PORT ROOT.
const [port, root] = Deno.args

Deno.serve({ hostname: '127.0.0.1', port: Number(port) }, async (request) => {
  try {
    const file = await Deno.open(root + new URL(request.url).pathname)
    const { isFile, size } = await file.stat()
    if (isFile) {
      return new Response(file.readable, { headers: { 'Content-Length': String(size) } })
    }
    file.close()
  } catch {
    // There is no such file.
  }
  return new Response('Not found', { status: 404 })
})
