/** Offers events to the gateway: as many at once as it allows, those of one row one after the other, again until taken. */

import { type CloudEvent, type Context, type Emit, type GatewayError, UntilAccepted } from '#connector'

/** Rows may be large: this much of them is under way at most, unless a single one is larger. Bytes. */
const MAX_BYTES = 16 * 2 ** 20
const RETRY_MS = { firstMs: 50, longestMs: 5_000 }
const MADE = { made: true }

export interface Offer {
  readonly event: CloudEvent
  /** Rows that it tells of. It waits until no other offer of one of them is under way. */
  readonly rows: readonly string[]
  /** Called once the gateway has it. */
  accepted(): void
}

export class Offers {
  readonly #emit: Emit
  readonly #context: Context
  readonly #signal: AbortSignal
  readonly #offers: UntilAccepted
  readonly #rows = new Set<string>()
  #count = 0
  #bytes = 0
  #refused = false
  #wake: PromiseWithResolvers<void> | undefined

  /** Nothing is offered any more once `signal` is aborted; what is under way may still be accepted. */
  constructor(emit: Emit, context: Context, signal: AbortSignal) {
    this.#emit = emit
    this.#context = context
    this.#signal = signal
    this.#offers = new UntilAccepted({ credit: context.credit, signal, ...RETRY_MS })
  }

  get underWay(): number {
    return this.#count
  }

  /**
   * Offers the event as soon as there is room; returns a promise only when it has to wait for that. Not to be called
   * again before that resolves. Rejects with the reason of the signal.
   */
  send(offer: Offer): Promise<void> | undefined {
    this.#signal.throwIfAborted()
    if (this.#hasRoom(offer) && this.#context.credit.refusal() === undefined) return void this.#begin(offer)
    return this.#later(offer)
  }

  /** Resolves once nothing is under way. */
  async drained(): Promise<void> {
    while (this.#count > 0) await this.#change()
  }

  async #later(offer: Offer): Promise<void> {
    do {
      while (!this.#hasRoom(offer)) await this.#change()
      await this.#context.credit.wait(this.#signal)
      this.#signal.throwIfAborted()
    } while (!this.#hasRoom(offer))
    this.#begin(offer)
  }

  #hasRoom({ event, rows }: Offer): boolean {
    if (this.#count === 0) return true
    const fits = this.#bytes + sizeOf(event) <= MAX_BYTES
    return fits && this.#count < this.#context.maxInFlight && !rows.some((row) => this.#rows.has(row))
  }

  #begin(offer: Offer): void {
    this.#count += 1
    this.#bytes += sizeOf(offer.event)
    for (const row of offer.rows) this.#rows.add(row)
    void this.#offer(offer).finally(() => {
      this.#count -= 1
      this.#bytes -= sizeOf(offer.event)
      for (const row of offer.rows) this.#rows.delete(row)
      this.#wake?.resolve()
      this.#wake = undefined
    })
  }

  /** Never rejects. Whatever was not accepted when it ends comes again from upstream. */
  async #offer({ event, accepted }: Offer): Promise<void> {
    const emit = () => this.#emit(event, MADE)
    try {
      await this.#offers.offer(emit, (error) => this.#tell(event, error))
      this.#refused = false
      accepted()
    } catch {}
  }

  /** Told once, until one is accepted. */
  #tell(event: CloudEvent, error: GatewayError): void {
    const { code, message: reason } = error
    const { log, name, refused } = this.#context
    refused?.(error, { address: '', event })
    const fields = { source: name, event: event.id, code, reason }
    if (!this.#refused) log.warn(fields, 'postgres: a change was not accepted; trying again')
    this.#refused = true
  }

  /** Resolves when one has ended. */
  #change(): Promise<void> {
    this.#wake ??= Promise.withResolvers()
    return this.#wake.promise
  }
}

const sizeOf = (event: CloudEvent): number => event.data?.length ?? 0
