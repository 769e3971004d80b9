/**
 * The contract of the apps, kept by this library: a module as `--target`.
 *
 * ```sh
 * npm run conformance -- --target conformance/examples/contract.ts
 * ```
 *
 * To judge handlers of your own, copy `targets/custom-handler.ts`, and replace what it imports.
 *
 * @module
 */

import { HANDLERS } from '../targets/handlers.ts'

// These need a server of their own, and a module of handlers gets a plain one.
const OTHERS = ['threads', 'forks']

export default Object.fromEntries(Object.entries(HANDLERS).filter(([app]) => !OTHERS.includes(app)))
