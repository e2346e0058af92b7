/** Collects what a document of another form expands to, and notes for each value the place it was written at. */

import { RESERVED } from '../../router/address.ts'
import { mapping } from '../names.ts'
import type { Path, Place, Places } from '../tree.ts'

type Sections = Record<string, unknown>
/** The sections that hold names. */
type Section = 'sources' | 'sinks' | 'routes'

/** A value of the expansion, and the path of what it was made of. */
export class Traced {
  readonly value: unknown
  readonly at: Path
  readonly origin: ((offset: number) => number) | undefined

  constructor(value: unknown, at: Path, origin?: (offset: number) => number) {
    this.value = value
    this.at = at
    this.origin = origin
  }
}

/** Says where a value was written. `origin` finds a character of a text in the text it was made of. */
export const traced = (value: unknown, at: Path, origin?: (offset: number) => number): Traced =>
  new Traced(value, at, origin)

export class Expansion {
  readonly sections: Sections
  readonly #places: Places
  /** Names that stand for functions: no sink may have one. */
  readonly #functions: ReadonlySet<string>
  readonly #sinks = new Map<string, string>()

  /** Adds to a copy of the sections that are there; `places` takes the places of what is added. */
  constructor(sections: Readonly<Sections>, places: Places, functions: Iterable<string>) {
    this.sections = { ...sections }
    this.#places = places
    this.#functions = new Set(functions)
  }

  /** Adds an entry under a name like the one wished for, and returns the name. Values in it may be `Traced`. */
  add(section: Section, wish: string, at: Path, made: Readonly<Record<string, unknown>>): string {
    const name = this.#free(section, wish)
    this.put(section, name, at, made)
    return name
  }

  /** Adds an entry under a name, in the place of one that is there. Values in it may be `Traced`. */
  put(section: Section | 'functions', name: string, at: Path, made: Readonly<Record<string, unknown>>): void {
    const held = this.sections[section]
    // A section that is no mapping is told of later, as it stands.
    if (held !== undefined && mapping(held) !== held) return
    this.sections[section] = { ...mapping(held), [name]: this.#settle([section, name], made, at) }
    if (held === undefined) this.#note([section], at)
  }

  /** Adds a sink, once for each target however often it is asked for, and returns its name. */
  sink(wish: string, at: Path, made: Readonly<Record<string, unknown>>): string {
    const id = JSON.stringify(made, (_, value: unknown) => (value instanceof Traced ? value.value : value))
    const name = this.#sinks.get(id) ?? this.add('sinks', wish, at, made)
    this.#sinks.set(id, name)
    return name
  }

  /** Sets where HTTP is taken. Returns the path of what has set it to something else before. */
  listen(address: string, at: Path): Path | undefined {
    const { listen } = mapping(this.sections['http'])
    if (listen === address) return undefined
    if (listen !== undefined) return this.#places.at(['http', 'listen'])?.writtenAt ?? ['http', 'listen']
    this.sections['http'] = { ...mapping(this.sections['http']), listen: address }
    if (!this.#places.at(['http'])) this.#note(['http'], at)
    this.#note(['http', 'listen'], at)
    return undefined
  }

  #free(section: Section, wish: string): string {
    const slug = wish
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
      .slice(0, 60)
    const base = slug === '' ? 'root' : slug
    const held = mapping(this.sections[section])
    const taken = (name: string): boolean =>
      Object.hasOwn(held, name) ||
      (section === 'sources' && RESERVED.includes(name)) ||
      (section === 'sinks' && this.#functions.has(name))
    for (let number = 1; ; number++) {
      const name = number === 1 ? base : `${base}-${number}`
      if (!taken(name)) return name
    }
  }

  /** Takes the values out of what is traced; what is undefined is left out. */
  #settle(path: Path, made: unknown, at: Path): unknown {
    if (made instanceof Traced) {
      const value = this.#settle(path, made.value, made.at)
      this.#note(path, made.at, made.origin)
      return value
    }
    this.#note(path, at)
    if (Array.isArray(made)) return made.map((one, index) => this.#settle([...path, index], one, at))
    if (typeof made !== 'object' || made === null) return made
    const given = Object.entries(made).filter(([, value]) => value !== undefined)
    return Object.fromEntries(given.map(([key, value]) => [key, this.#settle([...path, key], value, at)]))
  }

  #note(path: Path, at: Path, origin: (offset: number) => number = () => 0): void {
    const found = this.#places.nearest(at)
    if (!found) return
    const writtenAt = (found.exact && found.place.writtenAt) || at
    const place: Place = { ...found.place, writtenAt, origin }
    this.#places.set(path, place)
  }
}
