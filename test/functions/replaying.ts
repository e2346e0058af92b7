/** Makes calls fail whose inputs are recorded, runs them again, and has a host that notes what is done to it. */

import { setTimeout as pass } from 'node:timers/promises'
import { expect } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { encodeEvent } from '../../src/event/codec.ts'
import { type Answered, type Host, HostError, type KeyValueStore } from '../../src/pool/host.ts'
import type { Call, Spent } from '../../src/pool/index.ts'
import { decodeRecording, type Recording } from '../../src/pool/recording.ts'
import { type Played, replayCall, type Told } from '../../src/pool/replay.ts'
import { cache, callOf, type OpenPool } from './open.ts'

const NEVER = new AbortController().signal
export const ENV = { COLOUR: 'blue' }

export interface Failed {
  readonly code: string
  readonly message: string
  readonly fingerprint: string | undefined
  readonly recording: Recording
  readonly event: Uint8Array
}

/** Calls the function `f`, which fails. Resolves with its error and what was recorded. */
export async function fail(
  opened: OpenPool,
  type: string,
  subject = '',
  rest: Partial<Call> = {},
  signal = NEVER,
): Promise<Failed> {
  const spent: Spent = {}
  const call = callOf('f', type, subject, { ...rest, spent })
  const error: unknown = await opened.pool.invoke(call, signal).catch((thrown: unknown) => thrown)
  const kept = spent.recording && decodeRecording(spent.recording)
  if (!(error instanceof GatewayError)) throw new Error(`${type}: it did not fail`, { cause: error })
  if (!kept) throw new Error(`${type}: nothing was recorded of "${error.message}"`)
  expect(kept.event && Buffer.from(kept.event)).toEqual(Buffer.from(encodeEvent(call.event)))
  const { code, fingerprint, message } = error
  return { code, message, fingerprint, recording: kept.recording, event: encodeEvent(call.event) }
}

export interface Replayed {
  readonly played: Played
  readonly told: readonly Told[]
}

export async function replay(failed: Pick<Failed, 'recording' | 'event'>, wasm: string): Promise<Replayed> {
  const told: Told[] = []
  const { recording, event } = failed
  const played = await replayCall(recording, { wasm, env: ENV, event, cache, tell: (each) => told.push(each) })
  return { played, told }
}

/** Runs it again: it fails in the same place with the same words, with all that was recorded. */
export async function expectSame(failed: Failed, wasm: string): Promise<readonly Told[]> {
  const { played, told } = await replay(failed, wasm)
  expect(played).toMatchObject({ diverged: false, left: 0, fault: { message: failed.message } })
  expect(played.fault?.fingerprint).toBe(failed.fingerprint)
  return told
}

/** Runs it again: it comes as far as it came then, and is ended there. Resolves with what it waited for, if anything. */
export async function expectSameEnd(failed: Failed, wasm: string): Promise<string | undefined> {
  const { played, told } = await replay(failed, wasm)
  expect(failed).toMatchObject({ code: 'FUNCTION_TIMED_OUT', recording: { ended: true } })
  expect(played).toMatchObject({ diverged: false, left: 0, fault: { code: failed.code } })
  expect(played.fault?.fingerprint).toBe(failed.fingerprint)
  const last = told.findLast((each) => each.kind !== 'line')
  return last?.kind === 'waits' ? last.asked.name : undefined
}

/** Answers everything after a while, each time otherwise, and notes what is done to it. */
export class NotingHost implements Host {
  readonly done: string[] = []
  /** When stores answer; at once when absent. */
  until: Promise<unknown> | undefined
  /** Calls that wait for that. */
  waiting = 0

  async store(): Promise<KeyValueStore> {
    const unused = () => Promise.reject(new HostError('other', 'not here'))
    return {
      get: async (keys) => {
        this.waiting++
        await this.until
        this.waiting--
        return keys.map((key) => Buffer.from(`a value of then ${key} ${this.#next()}`))
      },
      has: unused,
      write: async (changes) => void this.done.push(`write ${changes.length}`),
      keys: unused,
      increment: unused,
      swap: unused,
    }
  }

  async send({ path }: Parameters<Host['send']>[0]) {
    this.done.push(`send ${path}`)
    // Longer than what a guest waits for beside it, by another figure each time.
    await pass(12 + 10 * Math.random())
    return { status: 200, headers: [], body: Buffer.from(`an answer of then ${this.#next()}`) }
  }

  async publish({ topic }: Parameters<Host['publish']>[0]): Promise<void> {
    this.done.push(`publish ${topic}`)
  }

  async request(): Promise<Answered> {
    this.done.push('request')
    return { data: Buffer.from(`a reply of then ${this.#next()}`) }
  }

  async call(name: string): Promise<Answered> {
    this.done.push(`call ${name}`)
    return { data: Buffer.from(`a result of then ${this.#next()}`) }
  }

  readonly #next = (): string => Math.random().toString(36)
}
