/**
 * What sucrase imports, and does not need to take the types out of a program: the check of its own
 * options, source maps, and error messages with a frame around them.
 *
 * @module
 */

function nothing(): void {}

// ts-interface-checker
export const createCheckers = (): object => ({ Options: { strictCheck: nothing } })
export { nothing as array, nothing as iface, nothing as lit, nothing as opt, nothing as union }

// lines-and-columns
export default nothing

// @jridgewell/gen-mapping
export { nothing as GenMapping, nothing as maybeAddSegment, nothing as toEncodedMap }
