/** What the files of functions hold: tells whether functions are the same ones, and that a version stays what it is. */

import { isDeepStrictEqual } from 'node:util'
import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import { digestOf } from './digest.ts'
import type { FunctionSpec } from './pool.ts'

/** SHA-256 by `name@version`; empty for a file that cannot be read. */
export type Digests = ReadonlyMap<string, string>

/**
 * Resolves to the digests of these functions, beside those of `before` that are not among them. Rejects with
 * CONFIG_INVALID when a version was another file before: what began with it would end with something else.
 */
export async function digestsOf(functions: readonly FunctionSpec[], before: Digests = new Map()): Promise<Digests> {
  const digests = new Map([...before].filter(([name]) => name.includes('@')))
  const changed: string[] = []
  for (const spec of functions) {
    const name = versioned(spec)
    const digest = await digestOf(spec.wasm)
    const held = spec.version === undefined ? undefined : digests.get(name)
    digests.set(name, digest)
    if (held && digest !== '' && held !== digest)
      changed.push(
        `${name} (function): loading "${spec.wasm}": sha256 is ${short(digest)} and was ${short(held)} when this version was loaded; a version stays what it is, so give the changed file another one`,
      )
  }
  if (changed.length > 0) throw new GatewayError('CONFIG_INVALID', changed.join('\n'))
  return digests
}

/** Where it is kept what versions are, over restarts. */
export interface DigestStore {
  get(): Promise<string | undefined>
  set(value: string): Promise<void>
}

/** What versions were that ran here, before this start as well. */
export class VersionDigests {
  readonly #store: DigestStore
  #held: Digests

  private constructor(store: DigestStore, held: Digests) {
    this.#store = store
    this.#held = held
  }

  static async read(store: DigestStore): Promise<VersionDigests> {
    const held = JSON.parse((await store.get()) ?? '{}') as Readonly<Record<string, string>>
    return new VersionDigests(store, new Map(Object.entries(held)))
  }

  get held(): Digests {
    return this.#held
  }

  /** These run. Resolves once it is kept of the versions among them what they are. */
  async keep(digests: Digests): Promise<void> {
    const held = new Map(this.#held)
    for (const [name, digest] of digests) if (name.includes('@') && digest !== '') held.set(name, digest)
    const changed = [...held].some(([name, digest]) => this.#held.get(name) !== digest)
    this.#held = held
    if (changed) await this.#store.set(JSON.stringify(Object.fromEntries(held)))
  }
}

/** Whether functions hold the same in both. */
export const sameFiles = (functions: readonly FunctionSpec[], left: Digests, right: Digests): boolean =>
  functions.map(versioned).every((name) => left.get(name) === right.get(name))

/** Functions, and what their files hold. */
export interface Filed {
  readonly functions: readonly FunctionSpec[]
  readonly digests: Digests
}

/** Those that `before` does not run as they are; all of them without it. */
export const freshOf = ({ digests, functions }: Filed, before?: Filed): readonly FunctionSpec[] =>
  functions.filter((spec) => {
    const held = before?.functions.find((one) => versioned(one) === versioned(spec))
    return !before || !isDeepStrictEqual(held, spec) || !sameFiles([spec], before.digests, digests)
  })

const short = (digest: string): string => `${digest.slice(0, 12)}...`
