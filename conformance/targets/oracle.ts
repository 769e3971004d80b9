/**
 * Our side of the recordings: the apps with the error page of the Python that was recorded.
 *
 * ```text
 *   node dist/conformance/targets/oracle.js APP PORT ROOT
 * ```
 *
 * @module
 */

import {
  BaseHTTPRequestHandler,
  ERROR_PAGE_HTML4,
  ERROR_PAGE_HTML5,
  EXTENSIONS_MAP,
  SimpleHTTPRequestHandler,
} from 'basehttp'
import type { RequestHandlerClass } from 'basehttp'
import { HANDLERS } from './handlers.ts'
import { serve } from './serve.ts'

/** The same handler, as Python 3.13 has it where this library follows the article. */
function as313(Handler: RequestHandlerClass): RequestHandlerClass {
  return class extends (Handler as typeof BaseHTTPRequestHandler) {
    override setup(): void | Promise<void> {
      if (this.errorMessageFormat === ERROR_PAGE_HTML4) {
        this.errorMessageFormat = ERROR_PAGE_HTML5
      }
      if (this instanceof SimpleHTTPRequestHandler) {
        this.extensionsMap = { ...EXTENSIONS_MAP, '.rst': 'text/x-rst' }
      }
      return super.setup()
    }
  }
}

await serve(
  Object.fromEntries(Object.entries(HANDLERS).map(([app, Handler]) => [app, as313(Handler)])),
)
