/**
 * What is measured, and what is promised of it.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Load } from './load.ts'
import {
  CPYTHON_10,
  CPYTHON_11,
  CPYTHON_SMALL,
  FLOOR,
  FLOOR_CLOSE,
  FLOOR_FILE,
  FLOOR_LARGE,
  FLOOR_LISTING,
  HTTP_SERVER,
  NGINX,
  NODE_HTTP,
  NODE_READFILE,
  NODE_STREAM,
  NODE_UPLOADS,
  OUR_CHILDREN,
  OUR_FILES,
  OUR_THREADS,
  OUR_UPLOADS,
  OURS,
  SERVE,
  SIRV,
} from './peers.ts'
import type { Contender } from './peers.ts'
import { digest } from './server-process.ts'
import type { Response } from './server-process.ts'
import type { Promised } from './table.ts'

const KiB = 1024
const MiB = 1024 * KiB
const LISTED = 1000

/** The document root of all workloads. */
export function makeRoot(root: string): void {
  mkdirSync(join(root, 'listing'), { recursive: true })
  writeFileSync(join(root, 'small.bin'), noise(KiB))
  writeFileSync(join(root, 'large.bin'), noise(100 * MiB))
  for (let number = 0; number < LISTED; number++) {
    writeFileSync(join(root, 'listing', `file-${String(number)}.txt`), '')
  }
}

/** Bytes without much of a pattern, always the same. */
export function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 1
  for (let at = 0; at < length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes.writeUInt32LE(state, at)
  }
  return bytes
}

/** A peer, and what is promised of the ratio to it; nothing, if it is only shown. */
export interface Rival extends Promised {
  readonly contender: Contender
  /**
   * What the ratio is: our rate in terms of its own (the default), its CPU time per request in terms
   * of ours, or our CPU time in terms of its own.
   */
  readonly measure?: 'rate' | 'cpu' | 'cost'
}

/** One row: the same requests to each server. */
export interface Workload {
  readonly id: string
  readonly title: string
  readonly path: string
  readonly load: Load
  readonly ours: Contender
  readonly rivals: readonly Rival[]
  /** A response is large, and few fit into a round: the rate is that of the bytes. */
  readonly large?: boolean
  /** Whether a response is right. */
  readonly check: (response: Response) => boolean
}

const isBody = (expected: Buffer) => {
  const hash = digest(expected)
  return ({ status, length, body }: Response) =>
    status === 200 && length === expected.length && digest(body) === hash
}

export const isSmall = isBody(Buffer.from('Hello, world\n'))
export const isFile = (length: number) => isBody(noise(length))

const isListing = ({ status, body }: Response) => {
  const text = body.toString()
  return (
    status === 200 &&
    Array.from({ length: LISTED }).every((_, number) => text.includes(`file-${String(number)}.txt`))
  )
}

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'small/keep-alive',
    title: 'small response, 16 connections kept alive',
    path: '/',
    load: { connections: 16 },
    ours: OURS,
    rivals: [
      { contender: NODE_HTTP, atLeast: 1.05, aim: 1.25 },
      { contender: FLOOR, atLeast: 0.7, aim: 0.85 },
    ],
    check: isSmall,
  },
  {
    id: 'small/close',
    title: 'small response, a new connection each',
    path: '/',
    load: { connections: 16, close: true },
    ours: OURS,
    rivals: [
      { contender: NODE_HTTP, atLeast: 1, aim: 1.15 },
      { contender: CPYTHON_SMALL, atLeast: 4, aim: 5 },
      { contender: FLOOR_CLOSE, atLeast: 0.8, aim: 0.9 },
    ],
    check: isSmall,
  },
  {
    id: 'small/pipelined',
    title: 'small response, 16 requests pipelined',
    path: '/',
    load: { connections: 16, pipeline: 16 },
    ours: OURS,
    rivals: [{ contender: NODE_HTTP, atLeast: 3, aim: 4 }, { contender: FLOOR }],
    check: isSmall,
  },
  {
    id: 'upload/large-chunks',
    title: '10 MiB sent in chunks of 64 KiB, one connection',
    path: '/',
    load: { connections: 1, upload: { size: 10 * MiB, chunk: 64 * KiB } },
    ours: OUR_UPLOADS,
    rivals: [{ contender: NODE_UPLOADS, measure: 'cost', atMost: 1.5, aim: 1 }],
    check: isBody(Buffer.from(`${String(10 * MiB)}\n`)),
  },
  {
    id: 'upload/small-chunks',
    title: '1 MiB sent in chunks of 16 bytes, one connection',
    path: '/',
    load: { connections: 1, upload: { size: MiB, chunk: 16 } },
    ours: OUR_UPLOADS,
    rivals: [{ contender: NODE_UPLOADS, measure: 'cost', atMost: 1.5, aim: 1 }],
    check: isBody(Buffer.from(`${String(MiB)}\n`)),
  },
  {
    id: 'file/keep-alive',
    title: '1 KiB file, 16 connections kept alive',
    path: '/small.bin',
    load: { connections: 16 },
    ours: OUR_FILES,
    rivals: [
      { contender: NODE_READFILE, atLeast: 1.6, aim: 2.1 },
      { contender: CPYTHON_10, atLeast: 7, aim: 10 },
      { contender: CPYTHON_11 },
      { contender: SIRV, atLeast: 1.5, aim: 2 },
      { contender: HTTP_SERVER },
      { contender: SERVE },
      { contender: NGINX },
      { contender: FLOOR_FILE, atLeast: 0.6, aim: 0.75 },
    ],
    check: isFile(KiB),
  },
  {
    id: 'file/one-connection',
    title: '1 KiB file, one connection kept alive',
    path: '/small.bin',
    load: { connections: 1 },
    ours: OUR_FILES,
    rivals: [
      { contender: CPYTHON_11, atLeast: 100, aim: 500 },
      { contender: NODE_READFILE },
      { contender: SIRV },
      { contender: NGINX },
      { contender: FLOOR_FILE },
    ],
    check: isFile(KiB),
  },
  {
    id: 'file/large',
    title: '100 MiB file, one connection',
    path: '/large.bin',
    load: { connections: 1 },
    large: true,
    ours: OUR_FILES,
    rivals: [
      { contender: FLOOR_LARGE, atLeast: 0.93, aim: 0.98 },
      { contender: NODE_STREAM, measure: 'cpu', atLeast: 2, aim: 2.3 },
      { contender: CPYTHON_10 },
      { contender: CPYTHON_11 },
      { contender: SIRV },
      { contender: HTTP_SERVER },
      { contender: SERVE },
      { contender: NGINX },
    ],
    check: isFile(100 * MiB),
  },
  {
    id: 'listing',
    title: `listing of ${String(LISTED)} names, 16 connections`,
    path: '/listing/',
    load: { connections: 16 },
    ours: OUR_FILES,
    rivals: [
      { contender: CPYTHON_10, atLeast: 8, aim: 12 },
      { contender: HTTP_SERVER, atLeast: 50, aim: 80 },
      { contender: SERVE },
      { contender: NGINX },
      { contender: FLOOR_LISTING },
    ],
    check: isListing,
  },
  {
    id: 'threads',
    title: 'canned response, a new connection each, in a warm thread',
    path: '/',
    load: { connections: 16, close: true },
    ours: OUR_THREADS,
    rivals: [{ contender: FLOOR_CLOSE, measure: 'cost', atMost: 3, aim: 2 }],
    check: isSmall,
  },
  {
    id: 'children',
    title: 'canned response, a new connection each, in a warm child',
    path: '/',
    load: { connections: 16, close: true },
    ours: OUR_CHILDREN,
    rivals: [{ contender: FLOOR_CLOSE, measure: 'cost', atMost: 5, aim: 3 }],
    check: isSmall,
  },
]
