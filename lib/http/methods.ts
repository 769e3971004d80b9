/**
 * Which methods of HTTP a handler has: what `Allow` says.
 *
 * @module
 */

/**
 * The methods `do_*()` of an object and of its classes, sorted; and `OPTIONS`, which asks for them. A name
 * that no request can have, since it is not a token, is left out: RFC 9110 §10.2.1.
 */
export function methodsOf(handler: object): string[] {
  const methods = new Set(['OPTIONS'])
  for (let one: object | null = handler; one !== null; one = Reflect.getPrototypeOf(one)) {
    for (const name of Object.getOwnPropertyNames(one)) {
      // A class may take a method away, `do_HEAD = undefined`.
      if (HOOK.test(name) && typeof Reflect.get(handler, name) === 'function') {
        methods.add(name.slice('do_'.length))
      }
    }
  }
  return [...methods].sort()
}

const HOOK = /^do_[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
