/**
 * `node:fs` in a browser: a disk in memory, with the document root of the recordings on it.
 *
 * A name is bytes, as on Unix; here it is a text with a character for each byte.
 *
 * @module
 */

/** An entry of the disk, as it comes over the network: a file, a directory, or a link. */
export interface Entry {
  /** A character for each byte; empty for the root. */
  readonly path: string
  /** In milliseconds since 1970. */
  readonly mtimeMs: number
  /** The content of a file, a character for each byte. */
  readonly file?: string
  /** Where a link leads. */
  readonly link?: string
}

/** What is at a path. */
class Node {
  readonly name: string
  mtimeMs: number
  data: Uint8Array | undefined
  readonly link: string | undefined

  constructor({ path, mtimeMs, file, link }: Entry) {
    this.name = path.slice(path.lastIndexOf('/') + 1)
    this.mtimeMs = mtimeMs
    this.data = file === undefined ? undefined : Buffer.from(file, 'latin1')
    this.link = link
  }

  get size(): number {
    return this.data?.length ?? 0
  }

  isFile(): boolean {
    return this.data !== undefined
  }

  isSymbolicLink(): boolean {
    return this.link !== undefined
  }

  isDirectory(): boolean {
    return !this.isFile() && !this.isSymbolicLink()
  }
}

type Name = string | Uint8Array

const nodes = new Map<string, Node>([['/', new Node({ path: '', mtimeMs: 0 })]])
const open_ = new Map<number, { node: Node; position: number }>()
let lastDescriptor = 2

/** Put entries on the disk, below a directory. */
export function fill(directory: string, entries: readonly Entry[]): void {
  for (const entry of entries) {
    nodes.set(`${directory}${entry.path === '' ? '' : `/${entry.path}`}`, new Node(entry))
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: no such file or directory, '${path}'`), { code })
}

/** Bytes, or a text in UTF-8, as a text with a character for each byte. */
function bytesOf(name: Name): string {
  return Buffer.from(name as string).toString('latin1')
}

/** Follow all links of a path. */
function resolve(path: string, links = 0): string {
  if (links > 40) {
    throw failure('ELOOP', path)
  }
  let at = ''
  const words = path.split('/').filter((word) => word !== '' && word !== '.')
  for (const [index, word] of words.entries()) {
    if (word === '..') {
      at = at.replace(/\/[^/]*$/, '')
      continue
    }
    const here = nodes.get(at === '' ? '/' : at)
    const next = nodes.get(`${at}/${word}`)
    if (here?.isDirectory() !== true || next === undefined) {
      throw failure(here?.isFile() === true ? 'ENOTDIR' : 'ENOENT', path)
    }
    if (next.link !== undefined) {
      const target = next.link.startsWith('/') ? next.link : `${at}/${next.link}`
      return resolve([target, ...words.slice(index + 1)].join('/'), links + 1)
    }
    at += `/${word}`
  }
  // A slash at the end asks for a directory.
  if (path.endsWith('/') && nodes.get(at)?.isFile() === true) {
    throw failure('ENOTDIR', path)
  }
  return at === '' ? '/' : at
}

function find(name: Name): Node {
  return nodes.get(resolve(bytesOf(name))) as Node
}

function handle(descriptor: number): { node: Node; position: number } {
  const opened = open_.get(descriptor)
  if (opened === undefined) {
    throw failure('EBADF', String(descriptor))
  }
  return opened
}

export const constants = { O_RDONLY: 0, O_NONBLOCK: 0, O_DIRECTORY: 0 }

export function existsSync(name: Name): boolean {
  return statSync(name, { throwIfNoEntry: false }) !== undefined
}

export function statSync(name: Name, { throwIfNoEntry = true } = {}): Node | undefined {
  try {
    return find(name)
  } catch (error) {
    if (throwIfNoEntry || (error as { code: string }).code !== 'ENOENT') {
      throw error
    }
    return undefined
  }
}

export function openSync(name: Name): number {
  open_.set(++lastDescriptor, { node: find(name), position: 0 })
  return lastDescriptor
}

export function fstatSync(descriptor: number): Node {
  return handle(descriptor).node
}

export function readSync(
  descriptor: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
): number {
  const opened = handle(descriptor)
  const from = position ?? opened.position
  const piece = (opened.node.data ?? new Uint8Array()).subarray(from, from + length)
  buffer.set(piece, offset)
  if (position === null) {
    opened.position += piece.length
  }
  return piece.length
}

export function closeSync(descriptor: number): void {
  open_.delete(descriptor)
}

export function readdirSync(name: Name, { encoding = 'utf8' }: { encoding?: string } = {}): Node[] {
  const directory = resolve(bytesOf(name))
  if (nodes.get(directory)?.isDirectory() !== true) {
    throw failure('ENOTDIR', directory)
  }
  const prefix = directory === '/' ? '/' : `${directory}/`
  const inside = [...nodes].filter(
    ([path]) => path.startsWith(prefix) && path !== '/' && !path.includes('/', prefix.length),
  )
  return inside.map(([, node]) => {
    const bytes = Buffer.from(node.name, 'latin1')
    return Object.defineProperty(Object.create(node) as Node, 'name', {
      value: encoding === 'buffer' ? bytes : bytes.toString(),
      writable: true,
    })
  })
}

/** As a text with a character for each byte, whatever is asked for. */
export const realpathSync = Object.assign((name: Name): string => resolve(bytesOf(name)), {
  native: (name: Name): string => resolve(bytesOf(name)),
})

// -- Temporary files, which are never found by name ------------------------------------------

export const mkdtempSync = (prefix: string): string => prefix
export const rmdirSync = (): void => {}
export const unlinkSync = (): void => {}

/** `open()` of `node:fs/promises`. */
export function open(path: string): Promise<object> {
  const node = new Node({ path, mtimeMs: Date.now(), file: '' })
  const fd = ++lastDescriptor
  open_.set(fd, { node, position: 0 })
  return Promise.resolve({
    fd,
    close: () => {
      closeSync(fd)
      return Promise.resolve()
    },
    read: (bytes: Uint8Array, offset: number, length: number, position: number) =>
      Promise.resolve({ bytesRead: readSync(fd, bytes, offset, length, position) }),
    write: (bytes: Uint8Array, offset: number, length: number, position: number) => {
      const { data = new Uint8Array() } = node
      const larger = new Uint8Array(Math.max(data.length, position + length))
      larger.set(data)
      larger.set(bytes.subarray(offset, offset + length), position)
      node.data = larger
      return Promise.resolve({ bytesWritten: length })
    },
  })
}

// -- What nobody calls here ------------------------------------------------------------------

function lacking(): never {
  throw new Error('A browser has no disk: run this with Node')
}

export {
  lacking as lstat,
  lacking as lstatSync,
  lacking as readFile,
  lacking as readFileSync,
  lacking as readlinkSync,
  lacking as renameSync,
}
