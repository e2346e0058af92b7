/** Topic names and filters: what is well formed, and which filters match a name, in time that does not grow with their number. */

export interface TopicSyntax {
  readonly separator: string
  readonly wildcardOne: string
  readonly wildcardSome: string
  /** Whether a one-level wildcard matches an empty level; MQTT says yes [MQTT-4.7.1-3]. */
  readonly matchEmptyLevels: boolean
}

export const MQTT_SYNTAX: TopicSyntax = {
  separator: '/',
  wildcardOne: '+',
  wildcardSome: '#',
  matchEmptyLevels: true,
}

class Level<T> {
  readonly next = new Map<string, Level<T>>()
  readonly values: T[] = []
}

/** A multimap from topic filters to values. Filters without a wildcard cost one lookup, however many there are. */
export class TopicMap<T> {
  readonly #exact = new Map<string, T[]>()
  readonly #root = new Level<T>()
  readonly #syntax: TopicSyntax
  #wild = 0

  constructor(syntax: TopicSyntax = MQTT_SYNTAX) {
    this.#syntax = syntax
  }

  add(filter: string, value: T): void {
    if (!this.#isWild(filter)) {
      // Copied, never changed in place: a listener may unsubscribe while its message is being handed out.
      this.#exact.set(filter, [...(this.#exact.get(filter) ?? []), value])
      return
    }
    let level = this.#root
    for (const word of filter.split(this.#syntax.separator)) {
      const next = level.next.get(word) ?? new Level<T>()
      level.next.set(word, next)
      level = next
    }
    level.values.push(value)
    this.#wild++
  }

  /** Removes one value of a filter, or all of them when none is given. */
  remove(filter: string, value?: T): void {
    if (!this.#isWild(filter)) {
      const values = [...(this.#exact.get(filter) ?? [])]
      take(values, value)
      if (values.length > 0) this.#exact.set(filter, values)
      else this.#exact.delete(filter)
      return
    }
    const path: [Level<T>, string][] = []
    let level = this.#root
    for (const word of filter.split(this.#syntax.separator)) {
      const next = level.next.get(word)
      if (!next) return
      path.push([level, word])
      level = next
    }
    this.#wild -= take(level.values, value)
    for (const [parent, word] of path.reverse()) {
      const child = parent.next.get(word)
      if (child && (child.next.size > 0 || child.values.length > 0)) return
      parent.next.delete(word)
    }
  }

  /** The values of every filter that matches, in no order. The array is the caller's to keep, not to change. */
  match(topic: string): readonly T[] {
    const exact = this.#exact.get(topic) ?? (NONE as readonly T[])
    if (this.#wild === 0) return exact
    const found: T[] = []
    this.#collect(this.#root, topic, 0, found)
    if (found.length === 0) return exact
    for (const value of exact) found.push(value)
    return found
  }

  #isWild(filter: string): boolean {
    return filter.includes(this.#syntax.wildcardOne) || filter.includes(this.#syntax.wildcardSome)
  }

  #collect(level: Level<T>, topic: string, from: number, found: T[]): void {
    const { separator, wildcardOne, wildcardSome, matchEmptyLevels } = this.#syntax
    const ends = from > topic.length
    if (ends) found.push(...level.values)
    if (level.next.size === 0) return
    // [MQTT-4.7.2-1] a wildcard in the first level does not match names that begin with $.
    const hidden = from === 0 && topic.charCodeAt(0) === DOLLAR
    const some = hidden ? undefined : level.next.get(wildcardSome)
    if (some) found.push(...some.values)
    // Nothing but that wildcard follows: no word has to be cut out.
    if (ends || (some && level.next.size === 1)) return
    const end = topic.indexOf(separator, from)
    const word = end < 0 ? topic.slice(from) : topic.slice(from, end)
    const rest = end < 0 ? topic.length + 1 : end + separator.length
    const named = level.next.get(word)
    if (named) this.#collect(named, topic, rest, found)
    const one = hidden ? undefined : level.next.get(wildcardOne)
    if (one && (word.length > 0 || matchEmptyLevels)) this.#collect(one, topic, rest, found)
  }
}

const NONE: readonly never[] = []

function take<T>(values: T[], value: T | undefined): number {
  if (value === undefined) return values.splice(0).length
  const at = values.indexOf(value)
  if (at < 0) return 0
  values.splice(at, 1)
  return 1
}

/** Whether a filter matches a topic name, by the rules of MQTT. */
export function topicMatches(filter: string, topic: string): boolean {
  const map = new TopicMap<true>()
  map.add(filter, true)
  return map.match(topic).length > 0
}

/** What is wrong with a topic name that one publishes to; undefined when nothing is. */
export function topicProblem(topic: string): string | undefined {
  if (topic.length === 0) return 'it is empty'
  if (/[+#]/.test(topic)) return 'it has a wildcard'
  if (topic.includes('\u0000')) return 'it has a NUL character'
  return isOwn(topic) ? 'topics of $SYS and $share belong to the broker' : undefined
}

const LONGEST_TOPIC = 65_535

/** What is wrong with a topic that the gateway itself is to publish on, whatever its subscribers; undefined when nothing is. */
export function publishProblem(topic: string, levels: number): string | undefined {
  let count = 1
  for (let at = topic.indexOf('/'); at >= 0 && count <= levels; at = topic.indexOf('/', at + 1)) count++
  if (count > levels) return `it has more than ${levels} levels`
  // A character has three bytes at most.
  const mayBeLong = topic.length * 3 > LONGEST_TOPIC
  return mayBeLong && Buffer.byteLength(topic) > LONGEST_TOPIC
    ? `it has more than ${LONGEST_TOPIC} bytes`
    : topicProblem(topic)
}

/** Topics that are the broker's own: nobody publishes to them, nobody is sent them, whatever the filter. */
export const isOwn = (topic: string): boolean => topic.charCodeAt(0) === DOLLAR && /^\$(SYS|share)(\/|$)/i.test(topic)

const DOLLAR = 36

/** The prefix of a shared subscription on the wire [MQTT-4.8.2]. */
export const SHARE = '$share/'
/**
 * How a shared subscription is spelled inside: the beta answers `$share/` with 0x9E under MQTT 5 and takes it for a
 * plain topic under 3.1.1, so the prefix is changed before it sees it. A control character cannot be typed by mistake.
 */
export const SHARED = '$share\u0001/'

/** Splits `<prefix>group/filter`; undefined when it is none, or when group or filter is empty. */
export function parseShared(topic: string, prefix = SHARED): { group: string; filter: string } | undefined {
  if (!topic.startsWith(prefix)) return undefined
  const slash = topic.indexOf('/', prefix.length)
  const group = topic.slice(prefix.length, slash < 0 ? undefined : slash)
  const filter = slash < 0 ? '' : topic.slice(slash + 1)
  return group && filter && !/[+#]/.test(group) ? { group, filter } : undefined
}
