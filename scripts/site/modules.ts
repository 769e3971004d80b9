/**
 * The modules that run in the reader's browser: tsc's own output, copied. Import maps do not reach workers,
 * so what a module imports by name becomes an address here; nothing else is changed.
 *
 * ```text
 *   import { Readable } from 'node:stream'      import { Readable } from '../../scripts/site/browser/streams.js'
 * ```
 *
 * @module
 */

import { copyFileSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import ts from 'typescript'
import { fillWords } from '../../conformance/judge/words.ts'
import { makeDocumentRoot } from '../../conformance/recordings/document-root.ts'
import { TOP } from '../checks/sources.ts'
import type { Entry } from './browser/disk.ts'

const STAND_INS = 'scripts/site/browser'

/** What stands in for a module of Node's, if not `node.js`. */
const NODE: Readonly<Record<string, string>> = {
  'node:events': 'streams.js',
  'node:fs': 'disk.js',
  'node:fs/promises': 'disk.js',
  'node:net': 'net.js',
  'node:stream': 'streams.js',
}

/** Below `dist/`, or, for sucrase, where it is installed. */
const SUCRASE = 'sucrase'

/** What sucrase imports. */
const FOR_SUCRASE = ['@jridgewell/gen-mapping', 'lines-and-columns', 'ts-interface-checker']

/** Where a module is. */
function fileOf(path: string): string {
  return path.startsWith(`${SUCRASE}/`)
    ? join(TOP, 'node_modules/sucrase/dist/esm', path.slice(SUCRASE.length))
    : join(TOP, 'dist', path)
}

/** What a specifier means in a module. */
function resolve(specifier: string, from: string): string {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(from), specifier)
    // sucrase leaves the extensions out.
    const candidates = path.endsWith('.js') ? [path] : [`${path}.js`, `${path}/index.js`]
    return candidates.find((candidate) => ts.sys.fileExists(fileOf(candidate))) ?? path
  }
  if (specifier === 'basehttp') {
    return 'lib/index.js'
  }
  if (specifier === 'sucrase') {
    return `${SUCRASE}/index.js`
  }
  if (FOR_SUCRASE.includes(specifier)) {
    return `${STAND_INS}/for-sucrase.js`
  }
  if (specifier.startsWith('node:')) {
    return `${STAND_INS}/${NODE[specifier] ?? 'node.js'}`
  }
  throw new Error(`${from} imports ${specifier}, and nothing stands in for that in a browser`)
}

/**
 * Copy modules, and all that they import, to a folder.
 *
 * @returns their paths there
 */
export function copyModules(entries: readonly string[], folder: string): string[] {
  const copied = new Set<string>()
  const copy = (path: string): void => {
    if (copied.has(path)) {
      return
    }
    copied.add(path)
    const text = readFileSync(fileOf(path), 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '')
    let written = ''
    let at = 0
    for (const { fileName, pos, end } of ts.preProcessFile(text, true, true).importedFiles) {
      // Loaded only if they are called for, which a browser cannot do.
      if (fileName.startsWith('node:') && /\bimport\($/.test(text.slice(0, pos))) {
        continue
      }
      const target = resolve(fileName, path)
      copy(target)
      const address = posix.relative(posix.dirname(path), target)
      written += `${text.slice(at, pos)}'${address.startsWith('.') ? address : `./${address}`}'`
      // The end that is given leaves the quotation marks out of account.
      at = end + 2
    }
    const to = join(folder, path)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, written + text.slice(at))
  }
  entries.forEach(copy)
  return [...copied]
}

/** Copy the pages of cases, as the suite fills them, and the files beside them. */
export function copyCases(folder: string): void {
  const from = join(TOP, 'conformance/cases')
  mkdirSync(join(folder, 'files'), { recursive: true })
  for (const name of readdirSync(from).filter((one) => one.endsWith('.md'))) {
    writeFileSync(join(folder, name), fillWords(readFileSync(join(from, name), 'utf8'), 1))
  }
  for (const name of readdirSync(join(from, 'files'))) {
    copyFileSync(join(from, 'files', name), join(folder, 'files', name))
  }
}

/** The document root of the recordings, as the disk in the browser takes it. */
export function documentRoot(): Entry[] {
  const root = mkdtempSync(join(tmpdir(), 'basehttp-root-'))
  try {
    makeDocumentRoot(root)
    return [entryOf(root, ''), ...entriesBelow(root, '')]
  } finally {
    rmSync(root, { recursive: true })
  }
}

function entriesBelow(root: string, path: string): Entry[] {
  const names = readdirSync(Buffer.from(`${root}/${path}`, 'latin1'), { encoding: 'buffer' })
  return names.flatMap((name) => {
    const inside = `${path}${path === '' ? '' : '/'}${name.toString('latin1')}`
    const entry = entryOf(root, inside)
    const isDirectory = entry.file === undefined && entry.link === undefined
    return [entry, ...(isDirectory ? entriesBelow(root, inside) : [])]
  })
}

function entryOf(root: string, path: string): Entry {
  const full = Buffer.from(`${root}/${path}`, 'latin1')
  const status = lstatSync(full)
  return {
    path,
    mtimeMs: status.mtimeMs,
    ...(status.isFile() && { file: readFileSync(full).toString('latin1') }),
    ...(status.isSymbolicLink() && { link: readlinkSync(full, 'latin1') }),
  }
}
