/** Finds the patterns that take an address without looking at the others: topic filters and path patterns alike. */

/** What a level of a pattern stands for. */
export type Level =
  | { readonly kind: 'text'; readonly text: string }
  /** One level; of a path, not an empty one. */
  | { readonly kind: 'one' }
  /** Any rest that begins with `prefix`; `parent`: none at all, too. */
  | { readonly kind: 'rest'; readonly prefix: string; readonly parent: boolean }

interface Node<T> {
  readonly text: Map<string, Node<T>>
  one: Node<T> | undefined
  readonly rests: { readonly prefix: string; readonly value: T }[]
  /** Of `rests`, those that also take this very node. */
  readonly parents: T[]
  value: T | undefined
}

const node = <T>(): Node<T> => ({ text: new Map(), one: undefined, rests: [], parents: [], value: undefined })

/** The levels of a topic filter. */
export const filterLevels = (filter: string): readonly Level[] =>
  filter
    .split('/')
    .map((text) =>
      text === '#'
        ? { kind: 'rest', prefix: '', parent: true }
        : text === '+'
          ? { kind: 'one' }
          : { kind: 'text', text },
    )

/** The levels of a path pattern. */
export const pathLevels = (path: string): readonly Level[] =>
  path
    .split('/')
    .map((text) =>
      text.endsWith('*')
        ? { kind: 'rest', prefix: text.slice(0, -1), parent: false }
        : text.startsWith(':')
          ? { kind: 'one' }
          : { kind: 'text', text },
    )

/** Holds one value per pattern. Cost of a look-up: the levels of the address, not the number of patterns. */
export class Trie<T> {
  readonly #root = node<T>()
  readonly #rules: { readonly dollar: boolean; readonly emptyOne: boolean }

  /** `topics` follow MQTT: a wildcard at the start takes no `$` topic, + takes an empty level. */
  constructor(kind: 'topics' | 'paths') {
    this.#rules = { dollar: kind === 'topics', emptyOne: kind === 'topics' }
  }

  /** Returns the value at a pattern, made by `make` when there is none. */
  at(levels: readonly Level[], make: () => T): T {
    let place = this.#root
    for (const level of levels) {
      if (level.kind === 'rest') return rest(place, level, make)
      const next = (level.kind === 'one' ? place.one : place.text.get(level.text)) ?? node<T>()
      if (level.kind === 'one') place.one = next
      else place.text.set(level.text, next)
      place = next
    }
    place.value ??= make()
    return place.value
  }

  /** Calls `found` with the value of each pattern that takes the address. */
  find(address: string, found: (value: T) => void): void {
    this.#walk(this.#root, address.split('/'), 0, this.#rules.dollar && address.startsWith('$'), found)
  }

  #walk(place: Node<T>, levels: readonly string[], at: number, textOnly: boolean, found: (value: T) => void): void {
    const level = levels[at]
    if (level === undefined) {
      if (place.value !== undefined) found(place.value)
      for (const value of place.parents) found(value)
      return
    }
    if (!textOnly) {
      for (const { prefix, value } of place.rests) if (level.startsWith(prefix)) found(value)
      if (place.one && (level !== '' || this.#rules.emptyOne)) this.#walk(place.one, levels, at + 1, false, found)
    }
    const next = place.text.get(level)
    if (next) this.#walk(next, levels, at + 1, false, found)
  }
}

function rest<T>(place: Node<T>, level: Level & { kind: 'rest' }, make: () => T): T {
  const held = place.rests.find(({ prefix }) => prefix === level.prefix)
  if (held) return held.value
  const value = make()
  place.rests.push({ prefix: level.prefix, value })
  if (level.parent) place.parents.push(value)
  return value
}
