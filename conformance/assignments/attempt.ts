/**
 * What the commands share: an error that is somebody's own is one line, and an exit status.
 *
 * @module
 */

import { PageError } from '../judge/fence.ts'
import { UsageError } from '../run/flags.ts'
import { TargetError } from '../targets/target.ts'

/** Run a command; tell what is wrong with a page (4), or with how it was called (2). */
export async function attempt(command: () => number | Promise<number>): Promise<number> {
  try {
    return await command()
  } catch (error) {
    if (error instanceof PageError) {
      console.error(error.message)
      return 4
    }
    if (error instanceof UsageError || error instanceof TargetError) {
      console.error(error.message)
      return 2
    }
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true) {
      // Node explains at length; its first sentence says what is wrong.
      const [sentence = ''] = (error as Error).message.split('. ', 1)
      console.error(`${sentence}; --help lists the flags`)
      return 2
    }
    throw error
  }
}
