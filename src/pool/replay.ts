/** Runs a recorded call of a function again, in a thread of its own and without a gateway. */

import type { Worker } from 'node:worker_threads'
import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import type { TranspileStore } from './cache.ts'
import { START_MS } from './limits.ts'
import { loadFunctions } from './load.ts'
import type { Played, Playing, Told } from './playing.ts'
import type { FunctionSpec } from './pool.ts'
import type { Recording } from './recording.ts'
import type { Said } from './replay-thread.ts'
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
 * Resolves with how it ended. Nothing of it reaches anything: what it asks for is told from the recording. One that does
 * not end by itself is ended as its call would be, and so is one that waits for what that was never told. Rejects with
 * FUNCTION_INVALID when the file is no function.
 */
export async function replayCall(recording: Recording, parts: ReplayParts): Promise<Played> {
  const [code] = await loadFunctions([specOf(recording, parts)], parts.cache)
  if (!code) throw new GatewayError('INTERNAL', `${recording.function} (function): replaying: it was not loaded`)
  const thread = startThread('replay-thread.ts', { code, recording, event: parts.event } satisfies Playing)
  const run = new Run(recording, parts.tell)
  try {
    return await run.ending(thread)
  } finally {
    run.end()
    await thread.terminate()
  }
}

/** One replay as its watcher sees it: what its thread says, and whether its time is up. */
class Run {
  readonly #recording: Recording
  readonly #tell: (told: Told) => void
  readonly #played = Promise.withResolvers<Played>()
  readonly #timers: NodeJS.Timeout[] = []
  #begun = performance.now()
  /** How much of what was recorded it has come to. */
  #given = 0
  #diverged = false
  #late = false

  constructor(recording: Recording, tell: (told: Told) => void) {
    this.#recording = recording
    this.#tell = tell
  }

  /** Resolves with what the thread says became of it, or with why it is ended. */
  ending(thread: Worker): Promise<Played> {
    const longestMs = START_MS + this.#recording.timeoutMs
    this.#after(longestMs, () => this.#timedOut(`ended after ${longestMs} ms`))
    thread.on('message', (said: Said) => {
      if (said.kind === 'played') this.#played.resolve(said.played)
      else if (said.kind === 'told') this.#hear(said.told)
      else this.#begin()
    })
    thread.on('error', this.#played.reject)
    return this.#played.promise
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #after(ms: number, what: () => void): void {
    this.#timers.push(setTimeout(what, ms))
  }

  /** Its call begins; one that was ended at its deadline then has as long again. */
  #begin(): void {
    const { deadlineMs, ended } = this.#recording
    this.#begun = performance.now()
    if (!ended) return
    this.#after(deadlineMs, () => {
      this.#late = true
      this.#look()
    })
  }

  #hear(told: Told): void {
    this.#tell(told)
    if (told.kind === 'other') this.#diverged ||= !told.madeUp
    if (told.kind === 'given' || told.kind === 'waits') this.#given = told.at
    if (told.kind === 'waits') this.#timedOut(`it waits for ${told.asked.name}, as it did when it was ended`)
    this.#look()
  }

  /** One that is slower now than it was then goes on until it has come to all that it was given then. */
  #look(): void {
    if (this.#late && this.#left === 0) this.#timedOut('it runs on, as it did when it was ended')
  }

  get #left(): number {
    const { inputs, start } = this.#recording
    return start.length + inputs.length - this.#given
  }

  #timedOut(what: string): void {
    const { function: name, version } = this.#recording
    const message = `${versioned({ name, version: version || undefined })} (function): replaying: ${what}`
    const fault = { code: 'FUNCTION_TIMED_OUT', message, fingerprint: 'timeout' } as const
    const runMs = performance.now() - this.#begun
    this.#played.resolve({ fault, events: [], diverged: this.#diverged, left: this.#left, runMs })
  }
}

const specOf = (recording: Recording, { wasm, env }: ReplayParts): FunctionSpec => {
  const { function: name, version, memoryBytes, timeoutMs, grants, output } = recording
  const one = { min: 0, max: 1, idleMs: 0, record: { when: 'never', bytes: 0 } } as const
  const own = { name, wasm, memoryBytes, timeoutMs, env, grants, ...(version !== '' && { version }) }
  return { ...own, ...one, ...(output && { output }) }
}
