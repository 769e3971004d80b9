/**
 * Which methods of HTTP a handler has: what `Allow` says.
 *
 * @module
 */

/** The methods `do_*()` of an object and of its classes, sorted; and `OPTIONS`, which asks for them. */
export function methodsOf(handler: object): string[] {
  const methods = new Set(['OPTIONS'])
  for (let one: object | null = handler; one !== null; one = Reflect.getPrototypeOf(one)) {
    for (const name of Object.getOwnPropertyNames(one)) {
      // A class may take a method away, `do_HEAD = undefined`.
      if (name.startsWith('do_') && Reflect.get(handler, name) !== undefined) {
        methods.add(name.slice('do_'.length))
      }
    }
  }
  return [...methods].sort()
}
