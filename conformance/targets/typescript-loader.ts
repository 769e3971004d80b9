/**
 * Reads a module in TypeScript on a Node that cannot: its types are stripped, and nothing is
 * checked.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import type { LoadHook } from 'node:module'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const load: LoadHook = (url, context, nextLoad) => {
  if (!/^file:.*\.m?ts$/.test(url)) {
    return nextLoad(url, context)
  }
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      inlineSourceMap: true,
    },
    fileName: fileURLToPath(url),
  })
  return { format: 'module', source: outputText, shortCircuit: true }
}
