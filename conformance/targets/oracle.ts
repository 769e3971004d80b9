/**
 * Our side of the recordings: the apps with the error page of the Python that was recorded.
 *
 * ```text
 *   node dist/conformance/targets/oracle.js APP PORT ROOT [--async | --threads | --forks]
 * ```
 *
 * @module
 */

import { ERROR_PAGE_HTML5, EXTENSIONS_MAP } from 'basehttp'
import { HANDLERS } from './handlers.ts'
import { serve } from './serve.ts'

/** Where Python 3.13 differs from the article, which this library follows. */
function as313(app: string): Record<string, unknown> {
  return {
    // This app has a page of its own.
    ...(app === 'override' ? {} : { errorMessageFormat: ERROR_PAGE_HTML5 }),
    ...(app.startsWith('simple')
      ? { extensionsMap: { ...EXTENSIONS_MAP, '.rst': 'text/x-rst' } }
      : {}),
  }
}

await serve(HANDLERS, undefined, as313)
