#!/usr/bin/env node
/**
 * Python's `python -m http.server`: the command line.
 *
 * @module
 */

console.error('basehttp: the command line comes with the file server; until then, see README.md')
process.exitCode = 2
