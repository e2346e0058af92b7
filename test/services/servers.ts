/** Around a run of the tests on servers: gives them a folder, and ends whatever they have started. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs in vitest's own process before the first test; resolves with what runs after the last. */
export function setup(): () => void {
  const home = mkdtempSync(join(tmpdir(), 'headgate-servers-'))
  process.env['HEADGATE_SERVERS'] = home
  return () => {
    for (const file of readdirSync(home).filter((name) => name.endsWith('.json'))) kill(join(home, file))
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

function kill(note: string): void {
  const { pid } = JSON.parse(readFileSync(note, 'utf8')) as { readonly pid?: number }
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
