/**
 * This library as a target of the suite: the apps as they are.
 *
 * ```text
 *   node dist/conformance/targets/basehttp.js APP PORT ROOT [--async | --threads | --forks]
 * ```
 *
 * @module
 */

import { HANDLERS } from './handlers.ts'
import { serve } from './serve.ts'

await serve(HANDLERS)
