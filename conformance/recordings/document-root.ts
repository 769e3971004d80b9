/**
 * The document root of the recordings: every name, byte and time of it is fixed.
 *
 * It contains what goes wrong elsewhere: names with spaces, quotes, line feeds and bytes that are
 * not UTF-8, links that dangle, go in a circle or lead out of it, an index page that is a directory, files
 * from 1969, 1970 and 2099.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'

/** The time of most entries, in seconds: Thu, 06 Oct 2016 21:12:10 GMT, the article's. */
const TIME = 1475788330

/** Entries whose content does not matter, a name for each. */
const TYPES = `a ai aif aifc aiff au avi bat bcpio bin bmp bz2 c cdf cpio csh css csv dll doc dot
  dvi eml eps etx exe gif gtar gz h hdf heic htm html ico ief jpe jpeg jpg js json ksh latex m1v
  m3u m3u8 man md me mht mid mif mjs mov movie mp2 mp3 mp4 mpa mpeg mpg ms nc nws o obj oda opus
  otf p12 pbm pdf pfx pgm pl png pnm pot ppm ppt ps py pyc qt ra ram ras rdf rgb roff rst rtf sh
  snd so src svg swf t tar tcl tex tif tiff toml tr ts tsv ttf txt ustar vcf wasm wav weba webm
  webmanifest webp woff woff2 wsdl xbm xls xml xpm xsl xwd xz yaml yml Z zip zst`

const SPECIAL_TYPES = [
  ...['T.HTML', 'T.Png', 't.tar.gz', 't.tar.bz2', 't.tar.xz', 't.tgz', 't.svgz', 't.tar.Z'],
  ...['t.unknownext', 'x.txt.unknown', 't.html.gz', 't.css.br', 'README', '.html', 't.', 't.a b'],
  ...['x.tbz2', 'x.txz', 'x.taz', 'x.tz', 'x.TGZ', 'x.txt.GZ'],
]

const NAMES = [
  ...['with space.txt', "single'quote.txt", 'double"quote.txt', 'percent%20literal.txt'],
  ...['percent%.txt', 'hash#name.txt', 'question?name.txt', 'amp&ersand.txt'],
  ...['angle<b>bracket.txt', 'plus+plus.txt', 'semi;colon.txt', 'comma,name.txt', 'tilde~.txt'],
  ...['back\\slash.txt', 'caf\u00e9.txt', 'cafe\u0301-nfd.txt', '\u65e5\u672c\u8a9e.txt'],
  ...['\u{1f600}.txt', '\uff5efullwidth.txt', '\u00c0\u00c9.TXT', 'Zebra.txt', 'apple.txt'],
  ...['Banana.txt', '_under.txt', '-dash.txt', 'colon:name.txt', 'star*.txt', 'pipe|.txt'],
  ...['new\nline.txt', 'tab\there.txt', ' leading.txt', 'trailing ', 'ctrl\x01.txt'],
  ...['del\x7f.txt', 'equals=.txt', 'at@.txt', 'dollar$.txt', 'bracket[1].txt', 'brace{1}.txt'],
  ...['caret^.txt', 'grave`.txt', '...', '..dots', '.hidden', 'paren(1).txt', 'excl!.txt'],
  ...['\u0130stanbul.txt', 'stra\u00dfe.txt', '\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2.txt'],
  ...['nbsp\u00a0.txt', 'nel\u0085.txt', 'UPPER.HTML', 'archive.tar.gz', 'archive.TAR.GZ'],
  ...['noext', 'dot.', '.txt', 'a.b.c.html'],
]

/**
 * Build the document root.
 *
 * @param root - a directory that exists and is empty
 */
export function makeDocumentRoot(root: string): void {
  const builder = new Builder(root)
  const { file, directory, link } = builder

  file('index.rst', numberedLines(8285))
  file('hello.txt', 'Hello, world\n')
  file('crlf.txt', 'one\r\ntwo\r\n')
  file('empty.txt', '')
  file('binary.bin', Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256)))
  file('big.bin', noise(200_000))
  file('page.html', '<!doctype html><title>page</title><p>page</p>\n')
  file('noext', 'no extension\n')
  file('data', 'We are the knights who say Ni!')
  file('utf8.txt', 'na\u00efve caf\u00e9 \u65e5\u672c\n')
  file('latin1.txt', Buffer.from('caf\xe9\n', 'latin1'))
  file('frac.txt', 'fractional mtime\n', TIME + 0.75)
  file('epoch.txt', 'epoch\n', 0)
  file('future.txt', 'future\n', Date.UTC(2099, 11, 31, 23, 59, 59) / 1000)
  file('feb29.txt', 'leap\n', Date.UTC(2020, 1, 29, 12, 34, 56) / 1000)

  directory('types')
  for (const extension of TYPES.split(/\s+/)) {
    file(`types/t.${extension}`, `extension ${extension}\n`)
  }
  for (const name of SPECIAL_TYPES) {
    file(`types/${name}`, `special ${name}\n`)
  }

  file('types/before-1970.txt', 'the moon, 1969-07-20', Date.UTC(1969, 6, 20, 20, 17, 40) / 1000)

  directory('names')
  for (const name of NAMES) {
    file(`names/${name}`, `name: ${bytesRepr(name)}\n`)
  }
  file(Buffer.from('names/latin1-\xe9.txt', 'latin1'), 'undecodable name\n')

  directory('sub')
  file('sub/a.txt', 'a in sub\n')
  directory('sub/nested')
  directory('sub/nested/dir')
  file('sub/nested/dir/deep.txt', 'deep\n')
  directory('emptydir')

  directory('mixed')
  for (const name of ['beta.txt', 'Alpha.txt', 'gamma', '10.txt', '9.txt', 'ALPHA2.txt']) {
    file(`mixed/${name}`, 'x\n')
  }
  directory('mixed/Delta')
  directory('mixed/charlie')
  link('mixed/link-to-file', 'beta.txt')
  link('mixed/link-to-dir', 'Delta')
  link('mixed/link-dangling', 'no-such-file')
  link('mixed/link-loop', 'link-loop')
  link('link-to-sub', 'sub')
  link('link-to-hello', 'hello.txt')

  directory('escapes')
  const escapes = ['a&b.txt', 'a<b>.txt', 'a"b.txt', "a'b.txt", '&amp;.txt', 'javascript:alert(1)']
  for (const name of escapes) {
    file(`escapes/${name}`, 'x\n')
  }
  directory('escapes/<dir>&')

  directory('withindex')
  file('withindex/index.html', '<p>withindex/index.html</p>\n')
  file('withindex/other.txt', 'other\n')
  file('withindex/digits.txt', '0123456789'.repeat(70_000))
  directory('withindex/beginnings')
  for (const name of ['aaaaa', 'aaa', 'a', 'aaaa', 'aa']) {
    file(`withindex/beginnings/${name}`, 'x\n')
  }
  directory('withhtm')
  file('withhtm/index.htm', '<p>withhtm/index.htm</p>\n')
  directory('bothindex')
  file('bothindex/index.html', '<p>html wins</p>\n')
  file('bothindex/index.htm', '<p>htm loses</p>\n')
  directory('indexdir')
  directory('indexdir/index.html')
  file('indexdir/index.htm', '<p>index.html is a directory</p>\n')
  directory('indexdironly')
  directory('indexdironly/index.html')
  file('indexdironly/x.txt', 'x\n')
  directory('indexlink')
  link('indexlink/index.html', '../page.html')
  link('indexlink/program', process.execPath)
  link('indexlink/top', '/')
  directory('indexdangling')
  link('indexdangling/index.html', 'nowhere')
  directory('upperindex')
  file('upperindex/INDEX.HTML', '<p>upper</p>\n')

  directory('spaced dir')
  file('spaced dir/file.txt', 'in spaced dir\n')
  directory('caf\u00e9')
  file('caf\u00e9/x.txt', 'in caf\n')
  directory('q?dir')
  file('q?dir/x.txt', 'in q?dir\n')
  directory('h#dir')
  file('h#dir/x.txt', 'in h#dir\n')
  directory('semi;dir')
  directory('dir.html')
  file('dir.html/x.txt', 'x\n')

  builder.finish()
}

/** Makes entries; paths are relative, as text or as the bytes themselves. */
class Builder {
  readonly #root: string
  readonly #directories: string[] = ['']

  constructor(root: string) {
    this.#root = root
  }

  readonly file = (path: string | Buffer, data: string | Buffer, time = TIME): void => {
    const full = this.#resolve(path)
    writeFileSync(full, data)
    // A number below zero would be now to Node, and a date is not.
    const date = new Date(1000 * time)
    utimesSync(full, date, date)
  }

  readonly directory = (path: string): void => {
    mkdirSync(this.#resolve(path))
    this.#directories.push(path)
  }

  readonly link = (path: string, target: string): void => {
    const full = this.#resolve(path)
    symlinkSync(target, full)
    lutimesSync(full, TIME, TIME)
  }

  /** A directory's time changes with each entry, so it is set once they all exist. */
  finish(): void {
    for (const path of this.#directories) {
      utimesSync(this.#resolve(path), TIME, TIME)
    }
  }

  #resolve(path: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${this.#root}/`), Buffer.from(path)])
  }
}

/** Stands in for the article's own `index.rst`, with its length. */
function numberedLines(length: number): string {
  const count = Math.ceil(length / 54)
  return Array.from({ length: count }, (_, at) => {
    return `http.server -- line ${String(at).padStart(4, '0')} of the article stand-in file\n`
  })
    .join('')
    .slice(0, length)
}

/** Bytes without a pattern, and always the same. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) => {
    return createHash('sha256')
      .update(`basehttp-${String(at)}`)
      .digest()
  })
  return Buffer.concat(blocks).subarray(0, length)
}

/** Python's `repr()` of a name's UTF-8 bytes. */
function bytesRepr(name: string): string {
  const quote = name.includes("'") && !name.includes('"') ? '"' : "'"
  const short: Record<string, string> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' }
  const text = Buffer.from(name).toString('latin1')
  const escaped = text.replace(/[^\x20-\x7e]|[\\']/g, (character) => {
    if (character === "'") {
      return quote === "'" ? "\\'" : "'"
    }
    const code = character.charCodeAt(0).toString(16).padStart(2, '0')
    return short[character] ?? `\\x${code}`
  })
  return `b${quote}${escaped}${quote}`
}
