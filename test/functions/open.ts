/** Opens a pool on guests of this folder, and calls them in one line. */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CloudEvent } from '../../src/event/index.ts'
import { BorrowedCache } from '../../src/pool/cache.ts'
import {
  type Call,
  createPool,
  type FunctionLog,
  type FunctionPool,
  type FunctionSpec,
  type PoolOptions,
  type Result,
} from '../../src/pool/index.ts'

/** The path of a guest's component. */
export const guest = (name: string): string => fileURLToPath(new URL(`guests/${name}/${name}.wasm`, import.meta.url))

/** The path of an example function's component. */
export const example = (name: string): string =>
  fileURLToPath(new URL(`../../functions/${name}/${name}.wasm`, import.meta.url))

export const spec = (name: string, overrides: Partial<FunctionSpec> = {}): FunctionSpec => ({
  name,
  wasm: guest('hostile'),
  min: 1,
  max: 4,
  idleMs: 60_000,
  timeoutMs: 10_000,
  memoryBytes: 32 << 20,
  env: {},
  ...overrides,
})

/** What the pools of a test file were made of: a guest is transpiled once in it, and nothing is kept on disk. */
export const cache = new BorrowedCache(join(tmpdir(), 'headgate-no-such-folder'), undefined)

const NEVER = new AbortController().signal
let calls = 0

/** A call of a function; the event's type tells a hostile guest what to do. */
export const callOf = (name: string, type: string, subject = '', rest: Partial<Call> = {}): Call => {
  const event: CloudEvent = { specversion: '1.0', id: `e${++calls}`, source: '/test', type, subject }
  return { function: name, event, callId: `c${calls}`, attempt: 1, deadline: Date.now() + 60_000, ...rest }
}

export interface OpenPool extends AsyncDisposable {
  readonly pool: FunctionPool
  readonly lines: Parameters<FunctionLog>[0][]
  call(name: string, type: string, subject?: string, rest?: Partial<Call>): Promise<Result>
}

/** Opens a pool, all functions warm. */
export async function open(specs: readonly FunctionSpec[], options: Partial<PoolOptions> = {}): Promise<OpenPool> {
  const lines: Parameters<FunctionLog>[0][] = []
  const pool = await createPool(specs, { log: (line) => lines.push(line), workers: 1, cache, ...options })
  await Promise.all(specs.map(({ name }) => pool.ready(name)))
  return {
    pool,
    lines,
    call: (name, type, subject, rest) => pool.invoke(callOf(name, type, subject, rest), NEVER),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

/** The reply of a result as text. */
export const textOf = (result: Result): string => Buffer.from(result.reply?.data ?? []).toString()
