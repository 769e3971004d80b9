/**
 * The worker in which the library runs, as the page sees it: given an order, it reports, and is ended when
 * it hangs.
 *
 * @module
 */

import type { Order, Report } from '../browser/orders.ts'
import { linkWithFault } from './link.ts'
import type { Fault } from './link.ts'

/** The folder of the modules, and that of everything the worker loads. */
const MODULES = new URL('../../../', import.meta.url).href
export const BASE = new URL('../', MODULES).href

const ENGINE = new URL('../browser/engine.js', import.meta.url).href

/** How long the worker may say nothing, in milliseconds. An endless loop says nothing for ever. */
const SILENCE = 10_000

type OrderFor<Kind extends Order['do']> = Omit<Extract<Order, { do: Kind }>, 'base'>

/** Thrown when the worker has said nothing for too long. */
export class HungError extends Error {}

/** Runs workers, one at a time. */
export class Host {
  readonly #address: Promise<string>
  #worker: Worker | undefined

  /** @param fault - what is wrong with the library, if anything */
  constructor(fault?: Fault) {
    this.#address =
      fault === undefined ? Promise.resolve(ENGINE) : linkWithFault(ENGINE, MODULES, fault)
  }

  /**
   * Give an order, and pass on what is reported, until it has been carried out.
   *
   * @throws {@link HungError}; or an Error that says why it could not be.
   */
  async give(
    order: OrderFor<'cases'> | OrderFor<'program'>,
    told: (report: Report) => void,
    silence = SILENCE,
  ): Promise<void> {
    const address = await this.#address
    const worker = (this.#worker ??= new Worker(address, { type: 'module' }))
    let timer: number | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const wait = () => {
          clearTimeout(timer)
          timer = setTimeout(() => {
            reject(new HungError(`It has not come back for ${String(silence / 1000)} s`))
          }, silence)
        }
        worker.onmessage = ({ data }: MessageEvent<Report>) => {
          wait()
          if (data.kind === 'over') {
            resolve()
          } else if (data.kind === 'failed') {
            reject(new Error(data.why))
          } else {
            told(data)
          }
        }
        worker.onerror = (event) => {
          reject(new Error(event.message || 'The library cannot be loaded'))
        }
        wait()
        worker.postMessage({ ...order, base: BASE })
      })
    } catch (error) {
      this.end()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** End the worker, whatever it is doing. */
  end(): void {
    this.#worker?.terminate()
    this.#worker = undefined
  }
}
