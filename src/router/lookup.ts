/** Finds the rules that may take an event: by where it came in, then by equality on an attribute. */

import type { Origin } from '../event/index.ts'
import { reader } from './guard.ts'
import { splitAddress } from './patterns.ts'
import type { From } from './route.ts'
import type { Rule } from './rule.ts'
import { filterLevels, pathLevels, Trie } from './trie.ts'
import type { Variables } from './variables.ts'

/** Rules under one attribute, by the value that it must have. */
interface Keyed {
  readonly read: (variables: Variables) => unknown
  readonly rules: Map<unknown, Rule[]>
}

/** Rules of one place. */
class Bucket {
  readonly #always: Rule[] = []
  readonly #keyed = new Map<string, Keyed>()

  add(rule: Rule): void {
    if (!rule.equality) return void this.#always.push(rule)
    const { name, path, values } = rule.equality
    const keyed = this.#keyed.get(name) ?? { read: reader(path), rules: new Map<unknown, Rule[]>() }
    this.#keyed.set(name, keyed)
    for (const value of values) {
      const rules = keyed.rules.get(value) ?? []
      keyed.rules.set(value, rules)
      if (rules.at(-1) !== rule) rules.push(rule)
    }
  }

  collect(variables: Variables, into: Rule[]): void {
    for (const rule of this.#always) if (!rule.test || rule.test(variables)) into.push(rule)
    for (const { read, rules } of this.#keyed.values()) {
      const found = rules.get(read(variables))
      if (found) for (const rule of found) if (!rule.test || rule.test(variables)) into.push(rule)
    }
  }
}

const bucket = (): Bucket => new Bucket()

/** The index over all rules. */
export class Lookup {
  readonly #any = bucket()
  readonly #sources = new Map<string, Bucket>()
  readonly #places = new Map<string, Map<string, Bucket>>()
  readonly #topics = new Trie<Bucket>('topics')
  readonly #paths = new Trie<Map<string, Bucket>>('paths')

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) for (const from of rule.route.from) this.#place(from).add(rule)
  }

  /** The rules that take the event, in the order of the configuration, each once. */
  find(origin: Origin, variables: Variables): readonly Rule[] {
    const found: Rule[] = []
    const collect = (held: Bucket): void => held.collect(variables, found)
    collect(this.#any)
    this.#sources.get(origin.source)?.collect(variables, found)
    this.#places.get(origin.source)?.get(origin.address)?.collect(variables, found)
    if (origin.source === 'mqtt') this.#topics.find(origin.address, collect)
    else if (origin.source === 'http') this.#findPath(origin.address, collect)
    return found.length < 2 ? found : inOrder(found)
  }

  #findPath(address: string, collect: (held: Bucket) => void): void {
    const [method, path] = splitAddress(address)
    this.#paths.find(path, (methods) => {
      for (const name of [method, '*']) {
        const held = methods.get(name)
        if (held) collect(held)
      }
    })
  }

  #place(from: From): Bucket {
    switch (from.kind) {
      case 'any':
        return this.#any
      case 'mqtt':
        return this.#topics.at(filterLevels(from.filter), bucket)
      case 'http':
        return made(
          this.#paths.at(pathLevels(from.path), () => new Map<string, Bucket>()),
          from.method,
        )
      case 'source':
        if (from.address === undefined) return made(this.#sources, from.source)
        return made(
          made(this.#places, from.source, () => new Map<string, Bucket>()),
          from.address,
        )
    }
  }
}

function made(map: Map<string, Bucket>, key: string): Bucket
function made<T>(map: Map<string, T>, key: string, make: () => T): T
function made(map: Map<string, unknown>, key: string, make: () => unknown = bucket): unknown {
  const held = map.get(key) ?? make()
  map.set(key, held)
  return held
}

/** A rule may be found in several places. */
function inOrder(rules: Rule[]): readonly Rule[] {
  rules.sort((left, right) => left.index - right.index)
  return rules.filter((rule, at) => rule !== rules[at - 1])
}
