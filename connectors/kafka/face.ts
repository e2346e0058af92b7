/** A source that runs for as long as its scope in a test, and what it emitted. */

import { vi } from 'vitest'
import { MemoryCredit, MemoryLog, MemoryMeter, memoryContext } from '#conformance'
import type { CloudEvent, Emit, Offer } from '#connector'
import { kafkaConfig } from './config.ts'
import { KafkaSource } from './source.ts'

/** How long anything may take that must happen. */
export const PATIENT = { timeout: 40_000, interval: 20 }

export class Face implements AsyncDisposable {
  readonly log = new MemoryLog()
  readonly meter = new MemoryMeter()
  readonly credit = new MemoryCredit()
  readonly offered: CloudEvent[] = []
  readonly offers: (Offer | undefined)[] = []
  /** Contents of what was accepted, in that order. */
  readonly accepted: string[] = []
  readonly source: KafkaSource
  /** What the gateway says to an event; throws what it refuses it with. */
  decide: (text: string, event: CloudEvent) => void | Promise<void> = () => {}

  constructor(options: object, maxInFlight = 64) {
    const { credit, log, meter } = this
    const context = memoryContext({ name: 'orders', log, meter, credit, maxInFlight })
    this.source = new KafkaSource(kafkaConfig.parse({ session_timeout: '3s', ...options }), context)
  }

  static async begin(options: object, maxInFlight?: number): Promise<Face> {
    const face = new Face(options, maxInFlight)
    await face.start()
    return face
  }

  emit: Emit = async (event, offer) => {
    this.offered.push(event)
    this.offers.push(offer)
    const text = Buffer.from(event.data ?? []).toString()
    await this.decide(text, event)
    this.accepted.push(text)
    return { callId: event.id, duplicate: false, routes: [] }
  }

  start = (): Promise<void> => this.source.start(this.emit, AbortSignal.timeout(20_000))

  /** Resolves once so many different contents are accepted. */
  async has(count: number): Promise<void> {
    const got = () => new Set(this.accepted).size
    await vi.waitFor(() => {
      if (got() < count)
        throw new Error(
          `${got()} of ${count}\n${JSON.stringify(this.log.lines.filter(({ level }) => level !== 'debug').slice(-5))}`,
        )
    }, PATIENT)
  }

  /** Lines of these levels, as text. */
  told = (...levels: readonly string[]): readonly string[] =>
    this.log.lines.filter(({ level }) => levels.includes(level)).map(({ message }) => message)

  async [Symbol.asyncDispose](): Promise<void> {
    this.credit.open()
    await this.source.stop()
  }
}
