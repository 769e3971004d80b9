/**
 * Mutants that no program can tell from the original, each with the reason. `mutation.ts` prints
 * them, and does not count them.
 *
 * @module
 */

/** A mutant, by the line that it changes and not by its number: lines move. */
export interface Equivalent {
  /** The file, in `dist/lib/`. */
  readonly file: string
  /** The line of the compiled JavaScript, without what it is indented by. */
  readonly line: string
  /** The line above it, if there are several of that line. */
  readonly above?: string
  readonly from: string
  readonly to: string
  readonly because: string
}

const SIZE_OF_A_STEP =
  'How many bytes are copied at a time. The same bytes arrive in the same order, a little faster or slower.'

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'stdlib/source.js',
    line: 'const buffer = Buffer.allocUnsafe(Math.min(source.size, (copies < 32 ? 256 : 64) * KiB));',
    from: '64',
    to: '65',
    because: SIZE_OF_A_STEP,
  },
  {
    file: 'stdlib/source.js',
    line: 'const buffer = Buffer.allocUnsafe(Math.min(source.size, (copies < 32 ? 256 : 64) * KiB));',
    from: '256',
    to: '257',
    because: SIZE_OF_A_STEP,
  },
  {
    file: 'stdlib/source.js',
    line: 'const KiB = 1024;',
    from: '1024',
    to: '1025',
    because: SIZE_OF_A_STEP,
  },
  {
    file: 'stdlib/files.js',
    line: 'return fs.statSync(name, { throwIfNoEntry: false }) ?? null;',
    from: 'false',
    to: 'true',
    because:
      'Then statSync() throws where it returned undefined, the line below catches it, and null is returned either way.',
  },
  {
    file: 'http/base-handler.js',
    line: 'if (unread > 0) {',
    from: 'unread > 0',
    to: 'true',
    because: '#leaveRequest() returns 0 or more, and skip(0) returns without having read.',
  },
  {
    file: 'http/base-handler.js',
    line: 'if (turn.isOver(this.rfile.buffered > 0)) {',
    from: '>',
    to: '>=',
    because:
      'Then the handler yields at the end of its turn although nothing is here: the read that follows waits for the event loop all the same.',
  },
  {
    file: 'http/conditions.js',
    line: 'return false;',
    above: 'if (!isHTTP11) {',
    from: 'return false;',
    to: 'return;',
    because: 'Its only caller, which is in this library, asks whether it is true.',
  },
  {
    file: 'http/chunked.js',
    line: 'if (piece.length >= LARGE && body.length > 0) {',
    from: '0',
    to: '1',
    because: 'Then a large piece behind a single byte is copied to it. ' + SIZE_OF_A_STEP,
  },
]
