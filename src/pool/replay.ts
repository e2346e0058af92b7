/** Runs a recorded call of a function again, in a thread of its own and without a gateway. */

import { GatewayError } from '../errors.ts'
import type { TranspileStore } from './cache.ts'
import { START_MS } from './limits.ts'
import { loadFunctions } from './load.ts'
import type { Played, Playing, Told } from './playing.ts'
import type { FunctionSpec } from './pool.ts'
import type { Recording } from './recording.ts'
import { startThread } from './start.ts'

export type { Played, Told } from './playing.ts'

/** What is needed beside the recording. */
export interface ReplayParts {
  /** The file, whose digest is the recorded one. */
  readonly wasm: string
  /** The environment variables of the configuration. */
  readonly env: Readonly<Record<string, string>>
  /** What the function was called with, as `encodeEvent` writes it. */
  readonly event: Uint8Array
  readonly cache?: TranspileStore
  readonly tell: (told: Told) => void
}

/**
 * Resolves with how it ended. Nothing of it reaches anything: what it asks for is told from the recording. Rejects with
 * FUNCTION_INVALID when the file is no function, and FUNCTION_TIMED_OUT when it runs for longer than it was given.
 */
export async function replayCall(recording: Recording, parts: ReplayParts): Promise<Played> {
  const [code] = await loadFunctions([specOf(recording, parts)], parts.cache)
  if (!code) throw new GatewayError('INTERNAL', `${recording.function} (function): replaying: it was not loaded`)
  const thread = startThread('replay-thread.ts', { code, recording, event: parts.event } satisfies Playing)
  const { promise, resolve, reject } = Promise.withResolvers<Played>()
  thread.on('message', (message: { readonly told: Told } | { readonly played: Played }) => {
    if ('told' in message) parts.tell(message.told)
    else resolve(message.played)
  })
  thread.on('error', reject)
  const limit = START_MS + recording.timeoutMs
  const late = `${recording.function} (function): replaying: it did not end within ${limit} ms, and was ended`
  const timer = setTimeout(() => reject(new GatewayError('FUNCTION_TIMED_OUT', late)), limit)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}

const specOf = (recording: Recording, { wasm, env }: ReplayParts): FunctionSpec => {
  const { function: name, version, memoryBytes, timeoutMs, grants, output } = recording
  const one = { min: 0, max: 1, idleMs: 0, record: { when: 'never', bytes: 0 } } as const
  const own = { name, wasm, memoryBytes, timeoutMs, env, grants, ...(version !== '' && { version }) }
  return { ...own, ...one, ...(output && { output }) }
}
