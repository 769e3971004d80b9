/**
 * Takes from a submission, before it is loaded, what would let it reach other processes. A seat belt, and
 * not a wall.
 *
 * @module
 */

const refuse = (name: string) => () => {
  throw new Error(`process.${name}() is not for a submission`)
}
for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd', 'abort', 'dlopen', 'binding']) {
  Object.defineProperty(process, name, {
    value: refuse(name),
    writable: false,
    configurable: false,
  })
}
