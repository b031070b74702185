/** What must be installed, and what happens where it is not. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { skip } from '../test/fixtures/skip.ts'
import { note } from './report.ts'
import type { Context } from 'mocha'

/** Where Go and Rust are, everything must run. */
export const mustRun = process.env.CI === 'true' && await hasTool('go') && await hasTool('cargo')

export async function hasTool (tool: string): Promise<boolean> {
  return promisify(execFile)('which', [tool]).then(() => true, () => false)
}

/** Without the tool the test ends here: see `cannotRun`. */
export async function requireTool (test: Context, tool: string): Promise<void> {
  if (!await hasTool(tool)) {
    cannotRun(test, `${tool} is not installed`)
  }
}

/**
 * Skips the test, and the table says why.
 *
 * @throws {Error} everything must run
 */
export function cannotRun (test: Context, reason: string): never {
  if (mustRun) {
    throw new Error(`${reason}: see .ci/packages.txt`)
  }

  note(test, reason)
  return skip(test, reason)
}
