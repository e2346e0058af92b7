/** Keeps what canaries have counted over a restart: on disk within a second, and when the gateway stops. */

import { isDeepStrictEqual } from 'node:util'
import type { Journal } from '../journal/journal.ts'
import type { Canary } from '../router/route.ts'
import type { TallyState, Verdict } from './canary.ts'
import type { Weights } from './rollout.ts'

/** What is counted of one canary, from one change of its weights to the next. */
export interface Counted {
  readonly route: string
  readonly canary: Canary
  readonly of: Weights
  /** By version. */
  readonly tallies: Readonly<Record<string, TallyState>>
  readonly said?: Verdict
}

/** Where the journal keeps the counts, as JSON. */
const CURSOR = 'headgate.canaries'
/** What is counted within so long is written at once: a kill -9 forgets no more. Milliseconds. */
const WRITTEN_MS = 1_000

export class CanaryCounts {
  readonly #journal: Pick<Journal, 'setCursor'>
  /** Of the run before, until its canaries are taken up. */
  #before: readonly Counted[]
  #current: () => readonly Counted[] = () => []
  #timer: NodeJS.Timeout | undefined

  private constructor(journal: Pick<Journal, 'setCursor'>, before: readonly Counted[]) {
    this.#journal = journal
    this.#before = before
  }

  /** Resolves with what was counted when the gateway ran last. */
  static async read(journal: Pick<Journal, 'cursor' | 'setCursor'>): Promise<CanaryCounts> {
    return new CanaryCounts(journal, JSON.parse((await journal.cursor(CURSOR)) ?? '[]'))
  }

  /** What the gateway that ran before counted of a canary that is the same. */
  of({ canary, of, route }: Pick<Counted, 'canary' | 'of' | 'route'>): Counted | undefined {
    const wanted = JSON.parse(JSON.stringify({ canary, of, route }))
    return this.#before.find((each) =>
      isDeepStrictEqual({ canary: each.canary, of: each.of, route: each.route }, wanted),
    )
  }

  /** From now on every canary counts from nothing. */
  takenUp(): void {
    this.#before = []
  }

  /** Something else is counted now: `current` says what, once it is written. */
  changed(current: () => readonly Counted[]): void {
    this.#current = current
    this.#timer ??= setTimeout(() => void this.flush(), WRITTEN_MS).unref()
  }

  /** Writes what has changed. Resolves once that is on disk; a journal that writes no more says so itself. */
  async flush(): Promise<void> {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#journal.setCursor(CURSOR, JSON.stringify(this.#current())).catch(() => undefined)
  }
}
