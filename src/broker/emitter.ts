/**
 * The bus inside the broker, in place of mqemitter 7.1: that one releases waiting messages by recursion and ends the
 * process with a RangeError, and counts deliveries globally, so that one frozen subscriber stalls every other.
 */

import assert from 'node:assert'
import { MQTT_SYNTAX, parseShared, TopicMap, type TopicSyntax } from './topics.ts'

export interface Message {
  readonly topic: string
}

export type Listener<M extends Message = Message> = (this: Emitter<M>, message: M, done: () => void) => void

/** The members of one group of a shared subscription: each message goes to one of them, in turn. */
class Group<M extends Message> {
  readonly members: Listener<M>[] = []
  #turn = 0

  next(): Listener<M> | undefined {
    this.#turn = (this.#turn + 1) % Math.max(this.members.length, 1)
    return this.members[this.#turn]
  }
}

/** Deeper than this, a callback waits for the next turn of the event loop: the stack stays flat. */
const MAX_DEPTH = 32

/**
 * Calls each listener whose filter matches. Nothing waits here: a listener that is slow holds up only the callback of
 * its own message. What is bounded, is bounded per client (see `outbound.ts`).
 */
export class Emitter<M extends Message = Message> {
  /** Messages whose listeners are not all done. */
  current = 0
  closed = false
  readonly #listeners: TopicMap<Listener<M> | Group<M>>
  readonly #groups = new Map<string, Group<M>>()
  #depth = 0

  constructor(syntax: Partial<TopicSyntax> = {}) {
    this.#listeners = new TopicMap({ ...MQTT_SYNTAX, ...syntax })
  }

  on(topic: string, listener: Listener<M>, done?: () => void): this {
    assert(topic)
    assert(listener)
    const shared = parseShared(topic)
    if (shared) this.#group(topic, shared.filter).members.push(listener)
    else this.#listeners.add(topic, listener)
    if (done) setImmediate(done)
    return this
  }

  removeListener(topic: string, listener: Listener<M>, done?: () => void): this {
    assert(topic)
    assert(listener)
    const shared = parseShared(topic)
    if (shared) this.#leave(topic, shared.filter, listener)
    else this.#listeners.remove(topic, listener)
    if (done) setImmediate(done)
    return this
  }

  removeAllListeners(topic: string, done?: () => void): this {
    assert(topic)
    this.#listeners.remove(topic)
    if (done) setImmediate(done)
    return this
  }

  /** Calls `done` once every listener is; at once when there is none. */
  emit(message: M, done: (error?: Error) => void = noop): this {
    assert(message)
    if (this.closed) {
      done(new Error('mqemitter is closed'))
      return this
    }
    const matched = this.#listeners.match(message.topic)
    this.current++
    let waiting = matched.length
    if (waiting === 0) {
      this.#settle(done)
      return this
    }
    const ready = () => {
      if (--waiting === 0) this.#settle(done)
    }
    for (const entry of matched) {
      const listener = entry instanceof Group ? entry.next() : entry
      if (listener) listener.call(this, message, ready)
      else ready()
    }
    return this
  }

  close(done: () => void): this {
    this.closed = true
    setImmediate(done)
    return this
  }

  #settle(done: () => void): void {
    this.current--
    if (this.#depth >= MAX_DEPTH) {
      setImmediate(done)
      return
    }
    this.#depth++
    try {
      done()
    } finally {
      this.#depth--
    }
  }

  #group(topic: string, filter: string): Group<M> {
    let group = this.#groups.get(topic)
    if (!group) {
      group = new Group()
      this.#groups.set(topic, group)
      this.#listeners.add(filter, group)
    }
    return group
  }

  #leave(topic: string, filter: string, listener: Listener<M>): void {
    const group = this.#groups.get(topic)
    const at = group?.members.indexOf(listener) ?? -1
    if (!group || at < 0) return
    group.members.splice(at, 1)
    if (group.members.length > 0) return
    this.#groups.delete(topic)
    this.#listeners.remove(filter, group)
  }
}

const noop = () => {}
