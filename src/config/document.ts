/** Reads one YAML file into plain values and their places; what YAML allows and a configuration must not is a problem. */

import { dirname } from 'node:path'
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { type Environment, interpolate } from './interpolate.ts'
import { pick } from './kubernetes.ts'
import { asPolicies, policiesOf } from './policy-documents.ts'
import type { Problem } from './problem.ts'
import { firstOfEach, MOST_OF_A_KIND } from './told.ts'
import { offsetsIn, type Path, type Place, type Places, problemAt, type Read, rooted, type Source } from './tree.ts'

const MAX_BYTES = 1_048_576
/** Values that aliases repeat: an alias bomb ends here. What is written out is bounded by the size of the file. */
const MAX_REPEATED = 10_000
const MAX_DEPTH = 40
/** More than these of one file are only counted. */
const MAX_PROBLEMS = MOST_OF_A_KIND

export interface Documents {
  /** One, unless several Kubernetes ConfigMaps of the file hold a part; none when all was passed over. */
  readonly reads: readonly Read[]
  /** The functions of the file: Kubernetes objects of the kind WasmFunction. */
  readonly functions: readonly Read[]
  /** What was passed over, as `file:line: what`. */
  readonly notes: readonly string[]
}

/** Reads the text of a file. Never throws: everything wrong is in `problems`. */
export function readDocuments(text: string, file: string, environment: Environment): Documents {
  const lines = new LineCounter()
  const source = { file, text, lines }
  const refused = (offset: number, message: string): Documents => {
    if (lines.lineStarts.length === 0) lines.addNewLine(0)
    const problems = [problemAt(source, offset, [], message)]
    return { reads: [{ value: {}, places: rooted(source, 0), problems }], functions: [], notes: [] }
  }
  if (text.length > MAX_BYTES) return refused(0, `the file has ${text.length} characters; at most ${MAX_BYTES}`)
  if (nestsTooDeep(text)) return refused(0, `the file nests deeper than ${MAX_DEPTH}`)
  const { plain, held, policies, functions, passed } = pick(parsed(text, lines))
  const [first, second] = plain
  if (second) return refused(second.range[0], 'a second document begins here; a file holds one')
  const reads = held.map((one) => readHeld(one.text, source, environment))
  const here = (offset: number): number => offset
  if (first) reads.unshift(asPolicies(readOne(first, source, environment, here), file))
  for (const { name, texts } of policies)
    reads.push(
      policiesOf(
        name,
        texts.map(({ key, text }) => ({ key, read: readHeld(text, source, environment) })),
      ),
    )
  const made = functions.map(({ document, node }) => readOne(document, source, environment, here, node))
  if (reads.length + made.length + passed.length === 0)
    reads.push({ value: {}, places: rooted(source, 0), problems: [] })
  const notes = passed.map(({ what, offset }) => `${file}:${lines.linePos(offset).line}: passed over: ${what}`)
  return { reads, functions: made, notes }
}

function parsed(text: string, lines: LineCounter): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  return Array.isArray(documents) ? documents : []
}

/** Reads the document inside a text, each place where it stands in the file. */
function readHeld(node: Scalar<string>, source: Source, environment: Environment): Read {
  const [start, end] = node.range ?? [0, 0]
  const style = STYLES[node.type ?? 'PLAIN'] ?? 'plain'
  const at = offsetsIn({ source, key: start, value: start, end, text: node.value, style })
  const [first, second] = parsed(node.value, new LineCounter()).filter(({ contents }) => contents !== null)
  const problem = (offset: number, message: string): Read => ({
    value: {},
    places: rooted(source, at(0)),
    problems: [problemAt(source, at(offset), [], message)],
  })
  if (second) return problem(second.range[0], 'a second document begins here; a text holds one')
  return first ? readOne(first, source, environment, at) : problem(0, 'this text holds nothing')
}

/** Reads one document, or one node of it; `at` says where in the file an offset of it is. */
function readOne(
  document: Document.Parsed,
  source: Source,
  environment: Environment,
  at: (offset: number) => number,
  node: Node | null = document.contents as Node | null,
): Read {
  const places = rooted(source, at(0))
  const faults = [...document.errors, ...document.warnings].map(({ pos, message }) => ({ pos: at(pos[0]), message }))
  if (faults.length > 0) {
    const problems = firstOfLine(faults, source.lines).map(({ pos, message }) =>
      problemAt(source, pos, [], plain(message), hint(source.text, pos)),
    )
    return { value: {}, places, problems }
  }
  const reader = new Reader(document, source, places, environment, at)
  const value = node === null ? {} : reader.read(node, [], 0)
  return { value, places, problems: reader.told() }
}

class Reader {
  readonly #problems: Problem[] = []
  readonly #document: Document
  readonly #source: Source
  readonly #places: Places
  readonly #environment: Environment
  readonly #open = new Set<Node>()
  readonly #targets = new Map<Node, Node>()
  readonly #at: (offset: number) => number
  #aliases = 0
  #untold = 0
  #repeated = 0

  constructor(
    document: Document,
    source: Source,
    places: Places,
    environment: Environment,
    at: (offset: number) => number,
  ) {
    this.#document = document
    this.#at = at
    this.#source = source
    this.#places = places
    this.#environment = environment
  }

  /** The mistakes found. When there are many, one of the whole file says how many more: nothing else is checked then. */
  told(): readonly Problem[] {
    const last = this.#problems.at(-1)
    if (!last || this.#untold === 0) return this.#problems
    return [...this.#problems, { ...last, path: '', message: `${this.#untold} more mistakes stand below this one` }]
  }

  /** Returns the value of a node and notes its place; `key` is the offset of its key. */
  read(node: Node | null, path: Path, key: number): unknown {
    if (this.#aliases > 0 && ++this.#repeated > MAX_REPEATED)
      return this.#repeated > MAX_REPEATED + 1
        ? null
        : this.#report(key, [], `aliases repeat more than ${MAX_REPEATED} values`)
    if (path.length > MAX_DEPTH) return this.#report(key, path, `this nests deeper than ${MAX_DEPTH}`)
    if (node === null) return this.#place(path, key, key, key, null)
    if (isAlias(node)) return this.#alias(node, path, key)
    if (isScalar(node)) return this.#scalar(node, path, key)
    const [start, end] = node.range ?? [key, key]
    this.#open.add(node)
    const value = isMap(node) ? this.#map(node, path) : isSeq(node) ? this.#list(node, path, key) : null
    this.#open.delete(node)
    return this.#place(path, key, start, end, value)
  }

  #list(node: YAMLSeq, path: Path, key: number): readonly unknown[] {
    return node.items.map((item, at) => this.read(item as Node, [...path, at], offsetOf(item, key)))
  }

  /** Resolving walks the whole document each time. */
  #targetOf(node: Node): Node | undefined {
    const known = this.#targets.get(node)
    if (known || !isAlias(node)) return known
    const target = node.resolve(this.#document)
    if (target) this.#targets.set(node, target)
    return target
  }

  #alias(node: Node & { source: string }, path: Path, key: number): unknown {
    const target = this.#targetOf(node)
    if (!target) return this.#report(offsetOf(node, key), path, `there is no anchor "&${node.source}" above`)
    if (this.#open.has(target)) return this.#report(offsetOf(node, key), path, `"*${node.source}" holds itself`)
    this.#aliases++
    const value = this.read(target, path, key)
    this.#aliases--
    return value
  }

  #map(node: YAMLMap, path: Path): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    const seen = new Map<string, number>()
    for (const item of node.items) {
      const pair = item as Pair<Node, Node | null>
      const at = offsetOf(pair.key, 0)
      const name = isScalar(pair.key) ? String(pair.key.value) : undefined
      const first = name === undefined ? undefined : seen.get(name)
      if (name === undefined) this.#report(at, path, 'a key is text, not a list or a mapping')
      else if (name === '__proto__') this.#report(at, [...path, name], 'this key is refused')
      else if (first !== undefined)
        this.#report(
          at,
          [...path, name],
          `the key stands twice, first in line ${this.#source.lines.linePos(this.#at(first)).line}`,
        )
      else {
        seen.set(name, at)
        value[name] = this.read(pair.value, [...path, name], at)
      }
    }
    return value
  }

  #scalar(node: Scalar, path: Path, key: number): unknown {
    const [start, end] = node.range ?? [key, key]
    if (typeof node.value === 'bigint') return this.#place(path, key, start, end, Number(node.value))
    if (typeof node.value !== 'string') return this.#place(path, key, start, end, node.value)
    const style = STYLES[node.type ?? 'PLAIN'] ?? 'plain'
    const { value, hidden, wrong } = interpolate(node.value, style === 'plain', {
      ...this.#environment,
      folder: dirname(this.#source.file),
    })
    this.#places.set(path, {
      ...this.#spot(key, start, end),
      text: node.value,
      style,
      ...(hidden.length > 0 ? { hidden } : {}),
    })
    for (const { offset, message, suggestion } of wrong)
      this.#add(() => this.#places.problem(path, message, { on: offset, ...(suggestion ? { suggestion } : {}) }))
    return value
  }

  #place<T>(path: Path, key: number, value: number, end: number, held: T): T {
    this.#places.set(path, this.#spot(path.length === 0 ? value : key, value, end))
    return held
  }

  #spot(key: number, value: number, end: number): Place {
    return { source: this.#source, key: this.#at(key), value: this.#at(value), end: this.#at(end) }
  }

  #report(offset: number, path: Path, message: string): null {
    if (path.length > 0) this.#place(path, offset, offset, offset, null)
    this.#add(() => problemAt(this.#source, this.#at(offset), path, message))
    return null
  }

  /** Finding the place of a mistake takes longer than finding the mistake. */
  #add(problem: () => Problem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem())
    else this.#untold++
  }
}

const STYLES: Readonly<Record<string, Place['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
}

const offsetOf = (node: unknown, otherwise: number): number =>
  (typeof node === 'object' && node !== null && 'range' in node && (node as Node).range?.[0]) || otherwise

/** The parser recurses over brackets and indents: deep ones are refused before it sees them. */
function nestsTooDeep(text: string): true | undefined {
  let depth = 0
  for (const char of text) {
    if (char === '[' || char === '{') depth++
    else if (char === ']' || char === '}') depth = Math.max(0, depth - 1)
    if (depth > MAX_DEPTH) return true
  }
  return /^ *(- ){41}/m.test(text) || /^ {400}/m.test(text) || undefined
}

const plain = (message: string): string => {
  const [first = ''] = message.split('\n', 1)
  return `this is not YAML: ${first.charAt(0).toLowerCase()}${first.slice(1)}`
}

/** Braces mean something to YAML inside braces and brackets. */
function hint(text: string, offset: number): string | undefined {
  const line = text.slice(text.lastIndexOf('\n', offset) + 1).split('\n', 1)[0] ?? ''
  return line.includes('${') ? `inside braces and brackets write "\${NAME}" in quotes` : undefined
}

interface Fault {
  readonly pos: number
  readonly message: string
}

/** One fault makes others in its line. */
function firstOfLine(faults: readonly Fault[], lines: LineCounter): readonly Fault[] {
  const line = ({ pos }: Fault): number => lines.linePos(pos).line
  return firstOfEach(faults, line, 20)
}
