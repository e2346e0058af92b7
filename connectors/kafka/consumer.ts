/** One life of a kafkajs consumer: from joining the group until it is left, crashes, or falls silent. */

import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import type { Assignment, Intake } from './intake.ts'
import type { Lane } from './lane.ts'

/** What fetches wait for records, and what a consumer with all partitions paused sleeps. Milliseconds. */
const FETCH_MS = 250
/** At most this long between two heartbeats while a batch waits for room. Milliseconds. */
const BREATH_MS = 1_000
/** Fetched batches that wait for room at once. */
const BATCHES = 16
/** The least that a partition may hold. Bytes. */
const LEAST_BYTES = 64 * 1024

export interface ConsumerOptions {
  readonly kafka: Kafka
  readonly intake: Intake
  readonly group: string
  readonly topics: readonly string[]
  readonly buffer: number
  readonly sessionTimeoutMs: number
  /** The group gave partitions to this member. */
  readonly joined: (assignment: Assignment) => void
  /** The consumer is of no use any more; called once. */
  readonly ended: (error: Error) => void
}

type Commit = EachBatchPayload['commitOffsetsIfNecessary']

export class GroupConsumer {
  readonly #options: ConsumerOptions
  readonly #consumer: Consumer
  #limit = LEAST_BYTES
  /** Commits within the generation that is current, and does not try again in a later one, as `consumer.commitOffsets` would. */
  #commit: Commit | undefined
  #lastSign = performance.now()
  #hasEnded = false
  #crash: Error | undefined

  constructor(options: ConsumerOptions) {
    const { group, kafka, sessionTimeoutMs } = options
    this.#options = options
    this.#consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(sessionTimeoutMs, 10_000),
      heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 5)),
      maxWaitTimeInMs: FETCH_MS,
      allowAutoTopicCreation: false,
      // Always built anew by the source: what crashed may hold half of what it was.
      retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 3, restartOnFailure: async () => false },
    })
    this.#listen()
  }

  /** Resolves once it has begun to join the group; rejects when it cannot reach the brokers or a topic is not there. */
  async start(): Promise<void> {
    const { topics } = this.#options
    await this.#consumer.connect()
    // From the beginning: after an offset that is out of range, kafkajs goes on at this place, and `latest` would skip.
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: BATCHES,
      eachBatch: (payload) => this.#take(payload),
    })
    // `run` resolves even so.
    if (this.#crash) throw this.#crash
  }

  /** Milliseconds since it last showed that it is alive. */
  get silentMs(): number {
    return performance.now() - this.#lastSign
  }

  seek(topic: string, partition: number, offset: string): void {
    this.#consumer.seek({ topic, partition, offset })
  }

  /** Fetches no more of what this member has. */
  pauseAll(): void {
    try {
      for (const { partition, topic } of this.#options.intake.lanes)
        this.#consumer.pause([{ topic, partitions: [partition] }])
    } catch {
      // A consumer that has crashed fetches nothing, and cannot be paused.
    }
  }

  /** Fetches again from partitions that have room again. */
  resume(): void {
    for (const lane of this.#options.intake.lanes) {
      if (!lane.isPaused || lane.isHeld || lane.bytes > this.#limit / 2) continue
      lane.isPaused = false
      this.#consumer.resume([{ topic: lane.topic, partitions: [lane.partition] }])
    }
  }

  /** Commits what is accepted. Rejects when the group did not take it; it is offered with the next one. */
  async commit(): Promise<void> {
    const found = this.#options.intake.committable()
    if (found.length === 0 || this.#commit === undefined) return
    const topics = found.map(({ lane, offset }) => ({
      topic: lane.topic,
      partitions: [{ partition: lane.partition, offset: String(offset) }],
    }))
    await this.#commit({ topics })
    for (const { lane, offset } of found) lane.committed = offset
  }

  /** Leaves the group and closes every connection. Never rejects. */
  async stop(): Promise<void> {
    this.#hasEnded = true
    await this.#consumer.disconnect().catch(() => {})
  }

  #listen(): void {
    const { ended, intake, joined } = this.#options
    const { CRASH, END_BATCH_PROCESS, FETCH_START, GROUP_JOIN, HEARTBEAT, REBALANCING } = this.#consumer.events
    const sign = () => {
      this.#lastSign = performance.now()
    }
    for (const event of [END_BATCH_PROCESS, FETCH_START, HEARTBEAT] as const) this.#consumer.on(event, sign)
    this.#consumer.on(REBALANCING, () => {
      // On the same connection as the request to join that follows it: the group takes it first.
      this.commit().catch(() => {})
    })
    this.#consumer.on(GROUP_JOIN, ({ payload: { memberAssignment } }) => {
      sign()
      const partitions = Object.values(memberAssignment).reduce((count, all) => count + all.length, 0)
      this.#limit = Math.max(LEAST_BYTES, Math.floor(this.#options.buffer / Math.max(1, partitions)))
      intake.assign(memberAssignment)
      // What the consumer before the rebalance had paused stays paused in kafkajs.
      for (const [topic, all] of Object.entries(memberAssignment)) this.#consumer.resume([{ topic, partitions: all }])
      joined(memberAssignment)
    })
    this.#consumer.on(CRASH, ({ payload: { error } }) => {
      this.#crash = error
      if (this.#hasEnded) return
      this.#hasEnded = true
      ended(error)
    })
  }

  /** Hands a batch over, and holds back the next fetch while there is no room; the group hears from this member meanwhile. */
  async #take({
    batch,
    commitOffsetsIfNecessary,
    heartbeat,
    isRunning,
    isStale,
    resolveOffset,
  }: EachBatchPayload): Promise<void> {
    this.#commit = commitOffsetsIfNecessary
    const { intake } = this.#options
    const { highWatermark, messages, partition, topic } = batch
    if (!isRunning() || isStale()) return
    const lane = intake.lane(topic, partition, Number(messages[0]?.offset))
    if (lane === undefined) return
    lane.end = Number(highWatermark)
    intake.take(lane, messages, Number(batch.lastOffset()))
    // Moves the place to fetch from, and commits nothing.
    resolveOffset(batch.lastOffset())
    while (lane.bytes >= this.#limit && isRunning() && !lane.isLost) {
      if (lane.isHeld) return this.#pause(lane)
      await intake.drained(lane, this.#limit / 2, BREATH_MS)
      await heartbeat()
    }
  }

  /** One partition that waits for its route must not hold up the others. */
  #pause(lane: Lane): void {
    lane.isPaused = true
    this.#consumer.pause([{ topic: lane.topic, partitions: [lane.partition] }])
  }
}
