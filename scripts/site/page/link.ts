/**
 * A fault in a module: it gets an address of its own, and so does every module that imports it.
 *
 * @module
 */

/** A change of a few words, as `conformance/faults/faults.ts` has it. */
export interface Fault {
  readonly id: string
  /** The module, from the folder of modules. */
  readonly file: string
  readonly from: string
  readonly to: string
  /** The case that must find it. */
  readonly killedBy: string
}

const IMPORT = /((?:\bfrom|^import|\bimport\()\s*)(['"])(\.[^'"]+)\2/gm

/**
 * Give the address of a module in whose imports a fault is.
 *
 * @param entry - the address of the module
 * @param modules - the folder of modules
 */
export function linkWithFault(entry: string, modules: string, fault: Fault): Promise<string> {
  const broken = new URL(fault.file, modules).href
  const linked = new Map<string, Promise<string>>()
  return link(entry)

  function link(address: string): Promise<string> {
    // The modules of sucrase import each other in circles, and none of ours.
    if (address.includes('/sucrase/')) {
      return Promise.resolve(address)
    }
    const known = linked.get(address) ?? linkOnce(address)
    linked.set(address, known)
    return known
  }

  async function linkOnce(address: string): Promise<string> {
    const text = await (await fetch(address)).text()
    const imported = [...text.matchAll(IMPORT)].map(
      ([, , , path = '']) => new URL(path, address).href,
    )
    const targets = await Promise.all(imported.map(link))
    if (address !== broken && targets.every((target, index) => target === imported[index])) {
      return address
    }
    const source = address === broken ? seed(text, fault) : text
    const written = source
      .replace(IMPORT, (_, before: string) => `${before}'${targets.shift() ?? ''}'`)
      .replaceAll('import.meta.url', `'${address}'`)
    const named = `${written}\n//# sourceURL=${address}\n`
    return URL.createObjectURL(new Blob([named], { type: 'text/javascript' }))
  }
}

function seed(text: string, { file, from, to }: Fault): string {
  if (text.split(from).length !== 2) {
    throw new Error(`Cannot break ${file}: it has not once, but elsewhere or not at all: ${from}`)
  }
  return text.replace(from, () => to)
}
