/** What versions of functions ask for beyond what every function has: more than those before it, and it must be approved. */

import { once } from 'node:events'
import { GatewayError } from '../errors.ts'
import { readVersioned, type Versioned, versioned } from '../schema/index.ts'
import type { Digests } from './digests.ts'
import type { Import } from './inspect.ts'
import type { Look, Looked } from './looker.ts'
import type { FunctionSpec } from './pool.ts'
import { startThread } from './start.ts'

/** Where it is kept what was loaded, over restarts. */
export interface CapabilityStore {
  get(): Promise<string | undefined>
  set(value: string): Promise<void>
}

/** By the digest of each file that was loaded last under a name. */
type Held = Readonly<Record<string, readonly string[]>>

/** A version of a function, as far as it is asked what it wants. */
type Version = Versioned & Pick<FunctionSpec, 'approve' | 'wasm'>

/** Of all that a file imports, what is not given to every function: by package, as in `wasi:sockets`. */
export function capabilitiesIn(imports: readonly Import[]): readonly string[] {
  return [...new Set(imports.filter(({ given }) => !given).map(({ name }) => capabilityOf(name)))].sort()
}

/** A module of wasip1 imports functions, a component interfaces. */
function capabilityOf(name: string): string {
  if (/^wasi_snapshot_preview1\.(path|fd)_/.test(name)) return 'wasi:filesystem'
  if (/^wasi_snapshot_preview1\.sock_/.test(name)) return 'wasi:sockets'
  // Ours differ in what they reach: who may publish may not call.
  return name.replace(name.startsWith('headgate:function/') ? /@.*$/ : /[/@].*$/, '')
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
  async check(functions: readonly Version[], digests: Digests): Promise<() => Promise<void>> {
    const asked = functions
      .map((spec) => ({ spec, digest: digests.get(versioned(spec)) ?? '' }))
      .filter(({ digest, spec }) => spec.version !== undefined && digest !== '')
    const unknown = asked.filter(({ digest, spec }) => this.#held[spec.name]?.[digest] === undefined)
    const looked = await look({ paths: unknown.map(({ spec }) => spec.wasm), whole: false })
    const found = new Map(unknown.map(({ spec }, at) => [spec, looked[at]]))
    // Of what is no function whoever loads it says why.
    const wanting = asked.flatMap(({ digest, spec }) => {
      const wants = this.#held[spec.name]?.[digest] ?? wantsOf(found.get(spec))
      return wants ? [{ spec, digest, wants }] : []
    })
    this.#refuse(wanting)
    const next: Record<string, Record<string, readonly string[]>> = {}
    for (const { digest, spec, wants } of wanting) next[spec.name] = { ...next[spec.name], [digest]: wants }
    return () => this.#keep({ ...this.#held, ...next })
  }

  /**
   * Remembers what a version asks for that is there, and that nothing sends to yet. Rejects with FUNCTION_INVALID when it
   * is no function, and with FUNCTION_UNAPPROVED as `check` does.
   */
  async admit(name: string, wasm: string, digest: string): Promise<void> {
    const [looked] = await look({ paths: [wasm], whole: true })
    if (looked && 'problem' in looked)
      throw new GatewayError('FUNCTION_INVALID', `${name} (function): loading "${wasm}": it ${looked.problem}`)
    const spec = { ...readVersioned(name), wasm }
    const wants = wantsOf(looked) ?? []
    this.#refuse([{ spec, wants }])
    await this.#keep({ ...this.#held, [spec.name]: { ...this.#held[spec.name], [digest]: wants } })
  }

  #refuse(wanting: readonly { readonly spec: Version; readonly wants: readonly string[] }[]): void {
    const problems = wanting.flatMap(({ spec, wants }) => {
      const held = this.#held[spec.name]
      const more = held && !this.#approved.has(versioned(spec)) ? beyond(wants, held, spec) : []
      return more.length > 0 ? [refusal(spec, more)] : []
    })
    if (problems.length > 0) throw new GatewayError('FUNCTION_UNAPPROVED', problems.join('\n'))
  }

  async #keep(held: Readonly<Record<string, Held>>): Promise<void> {
    const text = JSON.stringify(held)
    const changed = text !== JSON.stringify(this.#held)
    this.#held = held
    if (changed) await this.#store.set(text)
  }
}

const beyond = (wants: readonly string[], held: Held, { approve = [] }: Version): readonly string[] => {
  const known = new Set([...Object.values(held).flat(), ...approve])
  return wants.filter((one) => !known.has(one))
}

const wantsOf = (looked: Looked | undefined): readonly string[] | undefined =>
  looked && 'imports' in looked ? capabilitiesIn(looked.imports) : undefined

/** Resolves to what these files are, in their order. */
async function look(what: Look): Promise<readonly Looked[]> {
  if (what.paths.length === 0) return []
  const thread = startThread('looker.ts', what)
  try {
    const [looked] = (await once(thread, 'message')) as [readonly Looked[]]
    return looked
  } finally {
    await thread.terminate()
  }
}

const refusal = (spec: Version, more: readonly string[]): string =>
  `${versioned(spec)} (function): loading: it asks for ${more.join(' and ')}, which no version before it did; see what changed with "headgate function diff", and approve it by "approve: [${more.join(', ')}]" in its options, or deploy it with --approve`
