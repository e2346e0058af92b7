/** What an admin client knows of the topics: that they are there, where they end, and where a group that begins at the end began. */

import type { Admin, Kafka } from 'kafkajs'
import type { GroupConsumer } from './consumer.ts'
import type { Assignment } from './intake.ts'

/** How often the ends of the topics are asked for. Milliseconds. */
const LOOK_MS = 10_000

/** What was known of a partition when it was last asked for. */
export interface Place {
  readonly end: number
  /** Where the group goes on: the offset that it holds, or where the partition begins. */
  readonly next: number
}

export class Ends {
  readonly #admin: Admin
  readonly #group: string
  readonly #topics: readonly string[]
  /** What is known of each partition, by `topic/partition`. */
  readonly #places = new Map<string, Place>()
  /** Where to begin, by `topic/partition`: the ends at the first start, of partitions without an offset. */
  readonly #beginnings = new Map<string, string>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(kafka: Kafka, group: string, topics: readonly string[]) {
    this.#admin = kafka.admin()
    this.#group = group
    this.#topics = topics
  }

  /** Rejects when the brokers cannot be reached, or a topic is not there. */
  async start(atEnd: boolean): Promise<void> {
    await this.#admin.connect()
    await this.#admin.fetchTopicMetadata({ topics: [...this.#topics] })
    if (atEnd) await this.#begin()
  }

  of(topic: string, partition: number): Place | undefined {
    return this.#places.get(`${topic}/${partition}`)
  }

  /** Lets a consumer begin where the group begins, in partitions for which it holds no offset. */
  seek(assignment: Assignment, consumer: GroupConsumer): void {
    for (const [topic, partitions] of Object.entries(assignment))
      for (const partition of partitions) {
        const offset = this.#beginnings.get(`${topic}/${partition}`)
        if (offset !== undefined) consumer.seek(topic, partition, offset)
        this.#beginnings.delete(`${topic}/${partition}`)
      }
  }

  /** Asks where topics and group are, when that is due. Never rejects: what is not answered stays as it was. */
  async look(): Promise<void> {
    if (performance.now() - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = performance.now()
    try {
      const held = await this.#admin.fetchOffsets({ groupId: this.#group, topics: [...this.#topics] })
      for (const { partitions, topic } of held) {
        const offsets = new Map(partitions.map(({ offset, partition }) => [partition, Number(offset)]))
        for (const { high, low, partition } of await this.#admin.fetchTopicOffsets(topic))
          this.#places.set(`${topic}/${partition}`, {
            end: Number(high),
            next: Math.max(Number(low), offsets.get(partition) ?? -1),
          })
      }
    } catch {}
  }

  async stop(): Promise<void> {
    await this.#admin.disconnect().catch(() => {})
  }

  /** The place is kept by the group at once where it lets itself be told, which is while it has no member. */
  async #begin(): Promise<void> {
    const groupId = this.#group
    const held = await this.#admin.fetchOffsets({ groupId, topics: [...this.#topics] })
    for (const { partitions, topic } of held) {
      const fresh = new Set(partitions.filter(({ offset }) => Number(offset) < 0).map(({ partition }) => partition))
      if (fresh.size === 0) continue
      const ends = (await this.#admin.fetchTopicOffsets(topic)).filter(({ partition }) => fresh.has(partition))
      const places = ends.map(({ high: offset, partition }) => ({ partition, offset }))
      const kept = await this.#admin.setOffsets({ groupId, topic, partitions: places }).then(
        () => true,
        () => false,
      )
      if (!kept) for (const { offset, partition } of places) this.#beginnings.set(`${topic}/${partition}`, offset)
    }
  }
}
