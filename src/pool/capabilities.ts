/** What versions of functions ask for beyond what every function has: more than those before it, and it must be approved. */

import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import type { Digests } from './digests.ts'
import { type Import, inspectFunction } from './inspect.ts'
import type { FunctionSpec } from './pool.ts'

/** Where it is kept what was loaded, over restarts. */
export interface CapabilityStore {
  get(): Promise<string | undefined>
  set(value: string): Promise<void>
}

/** By the digest of each file that was loaded last under a name. */
type Held = Readonly<Record<string, readonly string[]>>

/** Of all that a file imports, what is not given to every function: by package, as in `wasi:sockets`. */
export function capabilitiesIn(imports: readonly Import[]): readonly string[] {
  return [...new Set(imports.filter(({ given }) => !given).map(({ name }) => capabilityOf(name)))].sort()
}

/** A module of wasip1 imports functions, a component interfaces. */
function capabilityOf(name: string): string {
  if (/^wasi_snapshot_preview1\.(path|fd)_/.test(name)) return 'wasi:filesystem'
  if (/^wasi_snapshot_preview1\.sock_/.test(name)) return 'wasi:sockets'
  return name.replace(/[/@].*$/, '')
}

export class Capabilities {
  readonly #store: CapabilityStore
  readonly #approved = new Set<string>()
  #held: Readonly<Record<string, Held>>

  private constructor(store: CapabilityStore, held: Readonly<Record<string, Held>>) {
    this.#store = store
    this.#held = held
  }

  /** Resolves with what is known of those that were loaded last. */
  static async read(store: CapabilityStore): Promise<Capabilities> {
    return new Capabilities(store, JSON.parse((await store.get()) ?? '{}'))
  }

  /** Lets a version, `name@version`, ask for whatever it does, until the function that is returned is called. */
  approve(name: string): () => void {
    this.#approved.add(name)
    return () => void this.#approved.delete(name)
  }

  /**
   * Resolves when no version asks for more than those that were loaded last under its name, or it is approved; call what
   * it resolves to once they run. Rejects with FUNCTION_UNAPPROVED, a line for each that does. A function without versions
   * is not asked.
   */
  async check(functions: readonly FunctionSpec[], digests: Digests): Promise<() => Promise<void>> {
    const next: Record<string, Record<string, readonly string[]>> = {}
    const problems: string[] = []
    for (const spec of functions.filter(({ version }) => version !== undefined)) {
      const digest = digests.get(versioned(spec)) ?? ''
      const held = this.#held[spec.name]
      const wants = held?.[digest] ?? (await wantedBy(spec))
      if (digest === '' || wants === undefined) continue
      const more = held && !this.#approved.has(versioned(spec)) ? beyond(wants, held, spec) : []
      if (more.length > 0) problems.push(refusal(spec, more))
      next[spec.name] = { ...next[spec.name], [digest]: wants }
    }
    if (problems.length > 0) throw new GatewayError('FUNCTION_UNAPPROVED', problems.join('\n'))
    return () => this.#keep({ ...this.#held, ...next })
  }

  async #keep(held: Readonly<Record<string, Held>>): Promise<void> {
    const text = JSON.stringify(held)
    const changed = text !== JSON.stringify(this.#held)
    this.#held = held
    if (changed) await this.#store.set(text)
  }
}

const beyond = (wants: readonly string[], held: Held, { approve = [] }: FunctionSpec): readonly string[] => {
  const known = new Set([...Object.values(held).flat(), ...approve])
  return wants.filter((one) => !known.has(one))
}

/** Undefined for what is no function: who loads it says why. */
const wantedBy = ({ wasm }: FunctionSpec): Promise<readonly string[] | undefined> =>
  inspectFunction(wasm).then(
    ({ imports }) => capabilitiesIn(imports),
    () => undefined,
  )

const refusal = (spec: FunctionSpec, more: readonly string[]): string =>
  `${versioned(spec)} (function): loading: it asks for ${more.join(' and ')}, which no version before it did; see what changed with "headgate function diff", and approve it by "approve: [${more.join(', ')}]" in its options, or deploy it with --approve`
