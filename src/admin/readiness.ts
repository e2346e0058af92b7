/** Says whether the gateway can do its work: each check by its name, with what is wrong and what to do. */

import type { Check, HealthPort } from '../connector/calls.ts'

/** Resolves when the thing works, to a text if there is something to say of it; rejects with an error whose message is the detail. */
export type Probe = () => Promise<unknown>

/** Probes are given this long. */
const PROBE_MS = 2_000

export class Readiness implements HealthPort {
  readonly #probes = new Map<string, Probe>()
  #dead: Error | undefined

  /** Adds a check; one of the same name is replaced. */
  add(name: string, probe: Probe): void {
    this.#probes.set(name, probe)
  }

  /** Takes a check away. */
  drop(name: string): void {
    this.#probes.delete(name)
  }

  /** Adds a check of something that is either so or not. */
  demand(name: string, holds: () => boolean, otherwise: string): void {
    this.add(name, async () => {
      if (!holds()) throw new Error(otherwise)
    })
  }

  /** Adds a check that holds, whatever it has to say. */
  note(name: string, says: () => string | undefined): void {
    this.add(name, async () => says())
  }

  /** From now on the gateway is not alive, for this reason. */
  fail(error: Error): void {
    this.#dead ??= error
  }

  alive(): boolean {
    return this.#dead === undefined
  }

  async ready(): Promise<readonly Check[]> {
    if (this.#dead) return [{ name: 'gateway', ok: false, detail: this.#dead.message }]
    return Promise.all([...this.#probes].map(([name, probe]) => check(name, probe)))
  }
}

async function check(name: string, probe: Probe): Promise<Check> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${PROBE_MS} ms`)), PROBE_MS)
  try {
    const detail = await Promise.race([probe(), promise])
    return { name, ok: true, ...(typeof detail === 'string' ? { detail } : {}) }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}
