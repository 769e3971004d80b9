/**
 * The page for an address that is none. It may be shown for any path, so it has nothing beside it: no
 * style sheet, and the only link is found where the page runs.
 *
 * @module
 */

/** Write the page. */
export function notFoundPage(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="There is no page at this address">
<link rel="icon" href="data:,">
<title>404 Not Found | basehttp</title>
<style>
  :root { color-scheme: light dark; background: light-dark(#fff, #1d1f23) }
  a { color: light-dark(#1464ae, #6cb8ff) }
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem }
</style>
</head>
<body>
<main>
<h1>404 Not Found</h1>
<p>Nothing matches the given URI, as <code>sendError(404)</code> would say. A page may have moved since
the link to it was made.</p>
<p><a id="home" href="./">To the first page</a></p>
</main>
<script>
  // A site on GitHub Pages lies in the folder that is named after its repository.
  const [, folder] = location.pathname.split('/')
  const inFolder = location.hostname.endsWith('.github.io') && folder.endsWith('.html') === false
  document.getElementById('home').href = inFolder ? '/' + folder + '/' : '/'
</script>
</body>
</html>
`
}
