/** Hands changes over to the gateway, several at a time, each until it is accepted. */

import { type CloudEvent, type Context, type Emit, type GatewayError, UntilAccepted } from '#connector'
import type { Change } from './normalize.ts'

/** Files on their way into the journal at once: with `fetch` each is in memory. */
const MOST = 64
const RETRY_MS = { firstMs: 200, longestMs: 20_000 }

export interface HandoverOptions {
  /** `uploads (storage)` */
  readonly owner: string
  readonly context: Context
  readonly emit: Emit
  /** Resolves with the event of a change; with nothing when there is none any longer. */
  readonly event: (change: Change) => Promise<CloudEvent | undefined>
  /** Hears of each change once the gateway has it, or there is nothing to hand over. */
  readonly ended: (change: Change, accepted: boolean) => void
}

export class Handover {
  readonly #options: HandoverOptions
  readonly #ending = new AbortController()
  readonly #offers: UntilAccepted
  readonly #working = new Set<Promise<void>>()
  #ready: Change[] = []
  /** How many of them are on their way: taking the first of 100,000 off an array would move the others. */
  #taken = 0

  constructor(options: HandoverOptions) {
    this.#options = options
    const { credit } = options.context
    this.#offers = new UntilAccepted({ credit, signal: this.#ending.signal, ...RETRY_MS })
  }

  /** How many are on their way. */
  get active(): number {
    return this.#working.size
  }

  add(change: Change): void {
    this.#ready.push(change)
    if (this.#working.size >= Math.min(this.#options.context.maxInFlight, MOST)) return
    const work = this.#run()
    this.#working.add(work)
    void work.finally(() => this.#working.delete(work))
  }

  /** Resolves once nothing is on its way any longer; what waits is left. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#working)
  }

  async #run(): Promise<void> {
    for (let next = this.#next(); next && !this.#ending.signal.aborted; next = this.#next())
      this.#options.ended(next, await this.#accepted(next))
  }

  #next(): Change | undefined {
    const next = this.#ready[this.#taken]
    if (next === undefined) {
      this.#ready = []
      this.#taken = 0
    } else this.#taken += 1
    return next
  }

  async #accepted(change: Change): Promise<boolean> {
    const { emit, event: eventOf } = this.#options
    const offer = async (): Promise<boolean> => {
      const event = await eventOf(change)
      if (event === undefined || this.#ending.signal.aborted) return false
      await emit(event, { made: true })
      return true
    }
    return this.#offers.offer(offer, (error) => this.#tell(change, error)).catch(() => false)
  }

  #tell({ event, key: path }: Change, error: GatewayError): void {
    const { context, owner } = this.#options
    context.refused?.(error, { address: '', event })
    const line = { source: context.name, path, code: error.code }
    context.log.warn(line, `${owner}: taking a file: not accepted: ${error.message}; trying again`)
  }
}
