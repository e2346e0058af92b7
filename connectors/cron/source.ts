/** Emits an event for each slot of a schedule, one after the other, and remembers the last one across restarts. */

import { setImmediate as breathe, setTimeout as sleep } from 'node:timers/promises'
import { type Clock, type Context, type Emit, Slots, type Source, UntilAccepted } from '#connector'
import { systemClock } from './clock.ts'
import type { CronConfig } from './config.ts'
import { normalize } from './normalize.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const RETRY_MS = 5_000

export class CronSource implements Source {
  readonly #config: CronConfig
  readonly #context: Context
  readonly #clock: Clock
  readonly #slots: Slots
  readonly #stop = new AbortController()
  readonly #offers: UntilAccepted
  #running: Promise<void> | undefined
  /** Everything up to here has fired, or was left out for good. */
  #done = 0
  #missed = 0

  constructor(config: CronConfig, context: Context) {
    this.#config = config
    this.#context = context
    this.#clock = context.clock ?? systemClock
    this.#slots = new Slots(config.schedule, config.timezone)
    const { credit } = context
    this.#offers = new UntilAccepted({ credit, signal: this.#stop.signal, firstMs: 100, longestMs: RETRY_MS })
  }

  async start(emit: Emit): Promise<void> {
    const now = this.#clock.now()
    const kept = this.#read(await this.#context.cursor.get())
    this.#done = kept ?? now
    // Written at once: a gateway that is killed before its first tick still knows since when it owes ticks.
    if (kept === undefined) await this.#remember()
    this.#running = this.#run(emit)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(emit: Emit): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#fireUntil(this.#clock.now(), emit)
        // From what was looked at, not from now: slots that passed while a tick was waiting are due at once.
        if (this.#context.clock) await this.#leap(signal)
        else await this.#clock.until(this.#slots.nextLook(this.#done), signal)
      } catch (error) {
        if (signal.aborted) return
        this.#context.log.error({ source: this.#context.name, err: error }, 'cron: ticking was interrupted; going on')
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** The clock of a test goes where it is told: a tick may be years away. */
  async #leap(signal: AbortSignal): Promise<void> {
    const look = this.#slots.nextLeap(this.#done)
    await this.#clock.until(look, signal)
    this.#done = Math.max(this.#done, Math.min(look, this.#clock.now()) - MINUTE)
  }

  async #fireUntil(now: number, emit: Emit): Promise<void> {
    // The clock was set back. Slots that come a second time get the id they had, so the journal knows them.
    if (now < this.#done - MINUTE) {
      this.#done = now
      // Known at once: started again before its next tick, it would owe nothing from here on.
      await this.#remember()
    }
    while (this.#done < now) {
      const to = Math.min(now, this.#done + DAY)
      for (const slot of this.#slots.between(this.#done, to)) await this.#fire(slot, emit)
      this.#done = to
      if (to < now) await breathe()
    }
    this.#reportMissed()
  }

  /** Resolves once the slot is accepted or too old. Until then no later one is offered: ticks do not overlap. */
  async #fire(slot: number, emit: Emit): Promise<void> {
    const { data, content_type: contentType } = this.#config
    const event = normalize({ name: this.#context.name, slot, contentType, ...(data !== undefined && { data }) })
    const receipt = await this.#offers.offer(
      async () => (this.#isTooOld(slot) ? undefined : emit(event, { made: true })),
      (error) => {
        const { code, message: reason } = error
        this.#context.refused?.(error, { address: '', event })
        this.#context.log.warn({ code, reason, event: event.id }, 'cron: a tick was not accepted; trying again')
      },
    )
    if (receipt === undefined) this.#missed += 1
    else {
      this.#done = slot
      await this.#remember()
    }
  }

  #isTooOld(slot: number): boolean {
    return slot < this.#clock.now() - Math.max(this.#config.catch_up, 1_000)
  }

  #reportMissed(): void {
    if (this.#missed === 0) return
    const fields = { source: this.#context.name, ticks: this.#missed, catch_up_ms: this.#config.catch_up }
    this.#context.log.warn(fields, 'cron: ticks were left out, older than catch_up; raise it to have them')
    this.#missed = 0
  }

  /** Returns the slot of a cursor. One written for another schedule is none: the new one owes nothing for the past. */
  #read(cursor: string | undefined): number | undefined {
    const [, slot = '', schedule] = /^(\S+) (.*)$/s.exec(cursor ?? '') ?? []
    const at = Date.parse(slot)
    return schedule === this.#schedule && !Number.isNaN(at) ? at : undefined
  }

  get #schedule(): string {
    return `${this.#config.timezone} ${this.#config.schedule}`
  }

  #remember(): Promise<void> {
    return this.#context.cursor.set(`${new Date(this.#done).toISOString()} ${this.#schedule}`)
  }
}
