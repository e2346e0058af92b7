/** Rollouts of versions: counts what canaries do, decides, and keeps what was decided over restarts. */

import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../connector/connector.ts'
import type { Journal } from '../journal/journal.ts'
import type { Canary, Route } from '../router/route.ts'
import type { Accept } from './accept.ts'
import type { ActivityStream } from './activity.ts'
import { countAttempt, type Figures, type Settled, type Verdict, VersionTally } from './canary.ts'
import { CanaryCounts, type Counted } from './canary-counts.ts'
import { candidateOf, type Decision, decidedWeights, type How, type Weights, weightsOf } from './rollout.ts'
import { ROLLOUT_SOURCE, rolloutEvent } from './rollout-event.ts'

export interface RolloutParts {
  readonly journal: Pick<Journal, 'cursor' | 'setCursor'>
  readonly activity: ActivityStream
  readonly accept: Accept
  readonly log: Log
  /** Has every route run with the weights that were decided. */
  readonly reweigh: () => Promise<unknown>
}

/** A route whose weights are watched, or were decided about. */
export interface RolloutView {
  readonly route: string
  readonly candidate: string
  /** `good` and `bad`: it waits for an operator to decide. */
  readonly state: 'counting' | 'good' | 'bad' | How
  /** Those that hold. */
  readonly weights: Weights
  readonly configured: Weights
  readonly canary?: Canary
  readonly versions: Readonly<Record<string, Figures>>
  readonly decision?: Omit<Decision, 'of' | 'weights' | 'figures' | 'told'>
}

/** Where the journal keeps the decisions, as JSON. */
const CURSOR = 'headgate.rollouts'

/** Watched from one change of its weights to the next. */
interface Watch {
  readonly route: Route
  readonly canary: Canary
  readonly candidate: string
  readonly of: Weights
  readonly tallies: ReadonlyMap<string, VersionTally>
  said: Verdict | undefined
}

export class Rollouts {
  readonly #parts: RolloutParts
  readonly #counts: CanaryCounts
  /** Those that are on disk. */
  readonly #decisions: Map<string, Decision>
  /** Those that are on their way there: nothing is told of them, and none is taken twice. */
  readonly #coming = new Map<string, Decision>()
  #routes: readonly Route[] = []
  #watches: ReadonlyMap<string, Watch> = new Map()
  #begun = false
  #leave: (() => void) | undefined

  private constructor(parts: RolloutParts, decisions: readonly Decision[], counts: CanaryCounts) {
    this.#parts = parts
    this.#counts = counts
    this.#decisions = new Map(decisions.map((decision) => [decision.route, decision]))
  }

  /** Resolves with what was decided, and counted, when the gateway ran last. */
  static async read(parts: RolloutParts): Promise<Rollouts> {
    const { journal } = parts
    return new Rollouts(parts, JSON.parse((await journal.cursor(CURSOR)) ?? '[]'), await CanaryCounts.read(journal))
  }

  /** Resolves once what was counted is on disk. */
  close = (): Promise<void> => this.#counts.flush()

  /** A route as configured, with the weights that hold. */
  decided(route: Route): Route {
    const decision = this.#holding(route)
    return decision ? { ...route, weights: route.to.map(({ text }) => decision.weights[text] ?? 0) } : route
  }

  /** Watches the canaries of the routes that run from now on, as configured; one that is the same is counted on. */
  follow(routes: readonly Route[]): void {
    this.#routes = routes
    const before = this.#decisions.size
    for (const route of routes) if (!this.#holding(route)) this.#decisions.delete(route.name)
    if (this.#decisions.size < before) this.#keep().catch(() => undefined)
    const watches = routes.map((route) => this.#watch(route)).filter((watch) => watch !== undefined)
    this.#counts.takenUp()
    const had = this.#watches.size > 0
    this.#watches = new Map(watches.map((watch) => [watch.route.name, watch]))
    if (had || this.#watches.size > 0) this.#counts.changed(this.#counted)
    this.#listen()
  }

  /** Counts from now on, and tells what is still to be told. */
  async begin(): Promise<void> {
    this.#begun = true
    this.#listen()
    for (const decision of this.#decisions.values()) if (!decision.told) await this.#tell(decision)
  }

  /**
   * Promotes or rolls back by hand: `what` is a route, its newest version then, or a version of a function, on each route
   * that gives it a weight. Resolves once the weights hold, with what was decided: nothing when no route fits. Rejects
   * when it cannot be kept.
   */
  async decide(how: How, what: string): Promise<readonly Decision[]> {
    const aims = this.#aims(what).flatMap(([route, candidate]) => {
      const decision = this.#decisionOn(route, candidate, how, { by: 'operator', reason: 'an operator said so' })
      return decision ?? []
    })
    if (aims.length > 0) await this.#carryOut(aims)
    return aims
  }

  /** The routes that have weights, and the versions that they name. */
  weighted(): readonly { readonly route: string; readonly versions: readonly string[] }[] {
    return this.#routes
      .filter(({ weights }) => weights !== undefined)
      .map(({ name, to }) => ({ route: name, versions: to.map(({ text }) => text) }))
  }

  views(): readonly RolloutView[] {
    return this.#routes.flatMap((route) => {
      const decision = this.#holding(route)
      const watch = this.#watches.get(route.name)
      const configured = weightsOf(route)
      if (configured === undefined || (decision === undefined && watch === undefined)) return []
      const about = { route: route.name, configured, ...(route.canary && { canary: route.canary }) }
      if (decision) {
        const { figures, of: _, told: __, weights, ...rest } = decision
        const { candidate, decided: state } = decision
        return { ...about, candidate, state, weights, versions: figures, decision: rest }
      }
      if (watch === undefined) return []
      const state = watch.said === undefined ? 'counting' : watch.said.good ? 'good' : 'bad'
      return { ...about, candidate: watch.candidate, state, weights: configured, versions: figuresOf(watch) }
    })
  }

  /** Comments on the configuration: which of its weights do not hold. */
  told(): string {
    const decisions = this.#routes.map((route) => this.#holding(route)).filter((one) => one !== undefined)
    return decisions
      .map(({ at, candidate, decided, route, weights }) => {
        const verb = `${decided === 'promoted' ? 'promoted' : 'rolled back'} at ${new Date(at).toISOString()}`
        return `# ${route}: ${candidate} was ${verb}; the weights that hold are ${JSON.stringify(weights)}\n`
      })
      .join('')
  }

  #holding(route: Route): Decision | undefined {
    const decision = this.#decisions.get(route.name)
    return decision && isDeepStrictEqual(decision.of, weightsOf(route)) ? decision : undefined
  }

  #watch(route: Route): Watch | undefined {
    const { canary, name, to } = route
    const candidate = candidateOf(route)
    const of = weightsOf(route)
    if (!canary || candidate === undefined || of === undefined || this.#decisions.has(name)) return undefined
    const before = this.#watches.get(name)
    if (before && isDeepStrictEqual([before.canary, before.of], [canary, of])) return { ...before, route }
    const counted = this.#counts.of({ route: name, canary, of })
    const tallies = new Map(to.map(({ text }) => [text, new VersionTally(counted?.tallies[text])]))
    return { route, canary, candidate, of, tallies, said: counted?.said }
  }

  readonly #counted = (): readonly Counted[] =>
    Array.from(this.#watches.values(), ({ canary, of, route, said, tallies }) => ({
      route: route.name,
      canary,
      of,
      tallies: Object.fromEntries(Array.from(tallies, ([text, tally]) => [text, tally.state()])),
      ...(said ? { said } : {}),
    }))

  /** Nothing is heard of what goes on for as long as nobody watches a canary. */
  #listen(): void {
    const wanted = this.#begun && this.#watches.size > 0
    if (wanted === (this.#leave !== undefined)) return
    this.#leave?.()
    this.#leave = wanted
      ? this.#parts.activity.subscribe((activity) => {
          if (activity.kind === 'settled') this.#count(activity)
        })
      : undefined
  }

  #count(settled: Settled): void {
    const watch = this.#watches.get(settled.route)
    const tally = watch?.tallies.get(settled.to)
    if (!watch || !tally || !countAttempt(tally, settled, watch.canary.p99Ms)) return
    this.#counts.changed(this.#counted)
    const decided = this.#decisions.has(settled.route) || this.#coming.has(settled.route)
    if (settled.to === watch.candidate && !decided) this.#judge(watch, tally)
  }

  #judge(watch: Watch, tally: VersionTally): void {
    const { canary, candidate, route } = watch
    const verdict = tally.verdict(canary)
    if (verdict === undefined) return
    const { good, reason } = verdict
    if (good ? canary.autoPromote : canary.autoRollback) {
      const how = good ? 'promoted' : 'rolledback'
      const decision = this.#decisionOn(route, candidate, how, { by: 'canary', reason })
      if (decision === undefined) return
      // A journal that writes no more says so itself, and ends the gateway.
      this.#carryOut([decision]).catch(() => undefined)
      return
    }
    if (watch.said?.good !== good) {
      const command = `headgate function ${good ? 'promote' : 'rollback'} ${route.name}`
      const line = { route: route.name, candidate, figures: figuresOf(watch) }
      this.#parts.log.warn(
        line,
        `${route.name} (route): ${candidate} is ${good ? 'good' : 'bad'}: ${reason}; ${command}`,
      )
    }
    watch.said = verdict
  }

  #aims(what: string): readonly (readonly [Route, string])[] {
    const named = this.#routes.find(({ name }) => name === what)
    const candidate = named && candidateOf(named)
    if (named && candidate !== undefined) return [[named, candidate]]
    return this.#routes.filter((route) => Object.hasOwn(weightsOf(route) ?? {}, what)).map((route) => [route, what])
  }

  #decisionOn(
    route: Route,
    candidate: string,
    decided: How,
    why: Pick<Decision, 'by' | 'reason'>,
  ): Decision | undefined {
    const of = weightsOf(route)
    const weights = decidedWeights(route, candidate, decided)
    if (of === undefined || weights === undefined) return undefined
    const watch = this.#watches.get(route.name)
    const figures = watch ? figuresOf(watch) : (this.#decisions.get(route.name)?.figures ?? {})
    return { route: route.name, candidate, decided, ...why, at: Date.now(), of, weights, figures, told: false }
  }

  /** On disk first, so that a crash undoes nothing that was told. Rejects when it does not come there. */
  async #carryOut(decisions: readonly Decision[]): Promise<void> {
    const { log, reweigh } = this.#parts
    for (const decision of decisions) this.#coming.set(decision.route, decision)
    await this.#keep()
    for (const decision of decisions) {
      this.#decisions.set(decision.route, decision)
      if (this.#coming.get(decision.route) === decision) this.#coming.delete(decision.route)
    }
    await reweigh().catch((error: unknown) =>
      log.warn({ err: error }, 'rollout: setting weights: it could not be done now; they hold after the next start'),
    )
    for (const decision of decisions) {
      const { candidate, decided, figures, reason, route, weights } = decision
      const verb = decided === 'promoted' ? 'promoted' : 'rolled back'
      const line = { route, candidate, decided, by: decision.by, weights, figures }
      log[decided === 'promoted' ? 'info' : 'warn'](line, `${route} (route): ${candidate} is ${verb}: ${reason}`)
      await this.#tell(decision)
    }
  }

  /** The event is accepted once: it has the same id when a crash comes in between. */
  async #tell(decision: Decision): Promise<void> {
    const { accept, log } = this.#parts
    try {
      await accept(rolloutEvent(decision), { source: ROLLOUT_SOURCE, address: decision.route })
      if (this.#decisions.get(decision.route)?.at !== decision.at) return
      this.#decisions.set(decision.route, { ...decision, told: true })
      await this.#keep()
    } catch (error) {
      log.warn({ err: error, route: decision.route }, 'rollout: telling of it: the next start tells')
    }
  }

  /** Resolves once they are on disk. Rejects when the journal writes no more, which it says itself. */
  #keep(): Promise<void> {
    const all = new Map([...this.#decisions, ...this.#coming])
    return this.#parts.journal.setCursor(CURSOR, JSON.stringify([...all.values()]))
  }
}

const figuresOf = ({ tallies }: Pick<Watch, 'tallies'>): Readonly<Record<string, Figures>> =>
  Object.fromEntries(Array.from(tallies, ([text, tally]) => [text, tally.figures()]))
