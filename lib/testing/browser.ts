/**
 * A real browser for tests: Debian's Chromium, where the machine has it.
 *
 * @module
 */

import { accessSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { BrowserContext } from 'playwright-core'
import type { Test } from 'tap'

/** Where Debian has it. */
export const CHROMIUM = '/usr/bin/chromium'

/** It runs as root in CI, and must not look for anything beyond this machine. */
export const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Why a test that needs the browser is to be skipped, if it is: tap shows it. */
export function withoutBrowser(): string | false {
  try {
    accessSync(CHROMIUM)
    return false
  } catch {
    return `there is no ${CHROMIUM}`
  }
}

/** Start a browser with an empty profile; it ends with the test. */
export async function openBrowser(t: Test): Promise<BrowserContext> {
  const profile = mkdtempSync(join(tmpdir(), 'basehttp-browser-'))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    ignoreHTTPSErrors: true,
  })
  t.teardown(async () => {
    await browser.close()
    rmSync(profile, { recursive: true, force: true })
  })
  return browser
}
