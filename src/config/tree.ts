/** Values as YAML gives them, and where each stands: the one way from a path to file, line and column. */

import type { LineCounter } from 'yaml'
import type { Hidden } from './interpolate.ts'
import { masked, type Problem } from './problem.ts'

export type Path = readonly (string | number)[]

/** A file of the configuration. */
export interface Source {
  readonly file: string
  readonly text: string
  readonly lines: LineCounter
}

/** Where a value and its key stand, as offsets. */
export interface Place {
  readonly source: Source
  readonly key: number
  readonly value: number
  /** The end of the value. */
  readonly end: number
  /** For text: what it is and how it is quoted, so that an offset in it can be found in the file. */
  readonly text?: string
  readonly style?: 'plain' | 'single' | 'double' | 'block'
  /** What `${...}` in it stood for: never to be printed. */
  readonly hidden?: readonly Hidden[]
  /** Of a value that was made of another: the path of that one, as it is written. */
  readonly writtenAt?: Path
  /** Of a text that was made of another: where in that one a character of it comes from. */
  readonly origin?: (offset: number) => number
}

/** Places by path. */
export class Places {
  readonly #places = new Map<string, Place>()

  set(path: Path, place: Place): void {
    this.#places.set(id(path), place)
  }

  at(path: Path): Place | undefined {
    return this.#places.get(id(path))
  }

  /** The place of the path, or of the nearest that holds it. */
  nearest(path: Path): { readonly place: Place; readonly exact: boolean } | undefined {
    for (let length = path.length; length >= 0; length--) {
      const place = this.at(path.slice(0, length))
      if (place) return { place, exact: length === path.length }
    }
    return undefined
  }

  /** Takes over the places of another file, each below a path. */
  adopt(other: Places, below: Path = []): void {
    for (const [key, place] of other.#places) {
      const own = below.length === 0 ? key : id([...below, ...(JSON.parse(key) as Path)])
      if (!this.#places.has(own)) this.#places.set(own, place)
    }
  }

  /** Those below a path, as if that were the root. */
  below(path: Path): Places {
    const made = new Places()
    for (const [key, place] of this.#places) {
      const own = JSON.parse(key) as Path
      if (path.every((step, at) => own[at] === step)) made.set(own.slice(path.length), place)
    }
    return made
  }

  /** A text at a path with the names of variables for what they stood for. */
  named(path: Path, text: string): string {
    return named(text, this.at(path)?.hidden ?? [])
  }

  /** What variables stood for, by the path of the text they are in. */
  *hidden(): Generator<{ readonly path: Path; readonly hidden: NonNullable<Place['hidden']> }> {
    for (const [key, { hidden }] of this.#places) if (hidden) yield { path: JSON.parse(key), hidden }
  }

  copy(): Places {
    const made = new Places()
    made.adopt(this)
    return made
  }

  /** Makes a problem at a path. `on` says whether it lies in the key, the value, or so far into a text. */
  problem(path: Path, message: string, given: { on?: 'key' | 'value' | number; suggestion?: string } = {}): Problem {
    const found = this.nearest(path)
    if (!found) throw new RangeError(`placing a problem: no place for ${path.join('.')}`)
    const { place, exact } = found
    const on = exact ? (given.on ?? 'value') : 'key'
    const offset = on === 'key' ? place.key : on === 'value' ? place.value : within(place, on)
    return problemAt(place.source, offset, place.writtenAt ?? path, hide(place, message), given.suggestion)
  }
}

/** What was read of a document, or of a part of one. */
export interface Read {
  readonly value: unknown
  readonly places: Places
  readonly problems: readonly Problem[]
}

/** The places of what stands at an offset as a whole. */
export function rooted(source: Source, at: number): Places {
  const places = new Places()
  places.set([], { source, key: at, value: at, end: at })
  return places
}

/** Makes a problem at an offset of a file. */
export function problemAt(source: Source, offset: number, path: Path, message: string, suggestion?: string): Problem {
  const { line, col } = source.lines.linePos(Math.min(offset, source.text.length))
  const start = source.lines.lineStarts[line - 1] ?? 0
  const excerpt = masked((source.text.slice(start).split('\n', 1)[0] ?? '').replace(/\r$/, ''))
  const place = { file: source.file, line: Math.max(1, line), column: Math.max(1, col), path: path.join('.') }
  return { ...place, message, ...(suggestion === undefined ? {} : { suggestion }), excerpt }
}

/** Finds in the file a character of a text. */
function within(place: Place, offset: number): number {
  if (place.hidden || place.text === undefined) return place.value
  return offsetsIn(place)(place.origin?.(offset) ?? offset)
}

/**
 * Returns what finds in the file a character of a text, however that is quoted or folded: by counting what is not white
 * space. White space is found where the next character is.
 */
export function offsetsIn({ source, value: start, end, text = '', style }: Place): (offset: number) => number {
  const raw = source.text.slice(start, end)
  const found: number[] = []
  for (let at = style === 'plain' ? 0 : style === 'block' ? raw.indexOf('\n') + 1 : 1; at < raw.length; at++) {
    const escaped = style === 'double' && raw[at] === '\\'
    if (escaped || (style === 'single' && raw.startsWith("''", at))) at++
    const blank = /\s/.test(raw.charAt(at)) || (escaped && /[nrt]/.test(raw.charAt(at)))
    if (!blank) found.push(start + at - (escaped ? 1 : 0))
  }
  let seen = 0
  const before = new Int32Array(text.length)
  for (let at = 0; at < text.length; at++) {
    before[at] = seen
    if (!/\s/.test(text.charAt(at))) seen++
  }
  const after = (found.at(-1) ?? start - 1) + 1
  return (offset) => found[before[offset] ?? seen] ?? after
}

/** Puts the names of variables in the place of what they stood for. */
export function named(text: string, hidden: NonNullable<Place['hidden']>): string {
  // A part of "127.0.0.1" that a variable happens to be, too, says nothing.
  const told = hidden.filter(({ value }) => value.length > 3 || value === text)
  return told.reduce((shown, { name, value }) => shown.replaceAll(value, name), text)
}

/** Puts the names of variables back where a message quotes what they stood for. */
function hide(place: Place, message: string): string {
  let shown = message
  for (const { name, value } of place.hidden ?? []) if (value !== '') shown = shown.replaceAll(value, name)
  return shown
}

const id = (path: Path): string => JSON.stringify(path.map(String))
