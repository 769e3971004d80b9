/**
 * What a page and its worker say to each other.
 *
 * @module
 */

import type { Stretch } from '../wire.ts'

/** What the page wants. `base` is the folder of what the worker loads. */
export type Order =
  | {
      readonly do: 'cases'
      readonly base: string
      /** Names of pages, without `.md`. */
      readonly pages: readonly string[]
      /** The cases to run; all, if left out. */
      readonly only?: readonly string[]
      /** Cases not to run, since they have been. */
      readonly without?: readonly string[]
    }
  | {
      readonly do: 'program'
      readonly base: string
      readonly source: string
      readonly request: string
    }

/** A request or a response, each byte with its label. */
export interface Part {
  readonly title: string
  readonly pieces: readonly Stretch[]
}

/** What is wrong with a response. */
export interface Flaw {
  /** The line in which it shows. */
  readonly line: string
  readonly flaw: string
}

/** What the worker reports. */
export type Report =
  | { readonly kind: 'alive' }
  | { readonly kind: 'begun'; readonly id: string }
  | { readonly kind: 'skipped'; readonly id: string; readonly why: string }
  | {
      readonly kind: 'judged'
      readonly id: string
      readonly passed: boolean
      readonly findings: readonly Flaw[]
      readonly received: string
    }
  | { readonly kind: 'log'; readonly text: string }
  | { readonly kind: 'response'; readonly received: string; readonly closed: boolean }
  | { readonly kind: 'explained'; readonly parts: readonly Part[] }
  | { readonly kind: 'over' }
  | { readonly kind: 'failed'; readonly why: string }
