/** One generation: what one configuration makes of functions, sinks, routes and sources. A reload swaps it for the next. */

import { isDeepStrictEqual } from 'node:util'
import { type Config, callNames, callRoutes, expand, type Instance } from './config/index.ts'
import type { Context, Sink, Source } from './connector/connector.ts'
import { SYSTEM_CLOCK } from './delivery/clock.ts'
import type { ServedLane } from './delivery/dispatch.ts'
import { lanesOf } from './delivery/lanes.ts'
import { offerLane } from './delivery/refused-offers.ts'
import { type Standing, standingsOf } from './delivery/standing.ts'
import { Targets } from './delivery/targets.ts'
import { LongWork } from './delivery/turn.ts'
import { createNoRoute, type NoRoute } from './delivery/unknown.ts'
import { allWithVersions } from './delivery/versions.ts'
import { GatewayError } from './errors.ts'
import type { Ground } from './ground.ts'
import type { EventRecord, Lane } from './journal/journal.ts'
import { type Digests, digestsOf, type Filed, freshOf, sameFiles } from './pool/index.ts'
import type { FunctionPool } from './pool/pool.ts'
import { compileInTurns } from './router/index.ts'
import { compileNaming, type Unnamed } from './router/naming.ts'
import { OFFERS, type Route } from './router/route.ts'
import type { Router } from './router/router.ts'

/** Sections of the configuration that a reload leaves as they are. */
const FIXED = ['name', 'broker', 'http', 'admin', 'journal', 'log', 'stores'] as const

interface Running<T> {
  readonly instance: Instance
  readonly part: T
}

interface Served {
  readonly route: Route
  /** By target. */
  readonly lanes: ReadonlyMap<string, ServedLane>
}

export class Generation {
  readonly number: number
  readonly config: Config
  readonly routes: readonly Route[]
  readonly router: Router
  readonly targets = new Targets()
  readonly noRoute: NoRoute
  readonly callNames: readonly string[]
  readonly #ground: Ground
  readonly #since = new Date()
  readonly #sinks = new Map<string, Running<Sink>>()
  readonly #sources = new Map<string, Running<Source>>()
  #served = new Map<string, Served>()
  /** Routes that the generation before serves as this one would, compared ahead of its turn. */
  #same: { readonly before: Generation; readonly names: readonly string[] } | undefined
  readonly #leaving: Promise<void>[] = []
  #pool: FunctionPool | undefined
  /** What the file of each function holds, those of versions that ran before included. */
  #digests: Digests = new Map()
  #mark: number | undefined
  /** Remembers what its functions are, once they run: those of a reload that is refused never did. */
  #keep: (() => Promise<unknown>) | undefined

  private constructor(number: number, config: Config, ground: Ground, router: Router) {
    this.number = number
    this.config = config
    this.routes = router.routes
    this.router = router
    this.noRoute = createNoRoute(config.callable, config.services)
    this.callNames = callNames(config)
    this.#ground = ground
  }

  /**
   * Resolves once its functions are warm and its sinks are open; nothing is sent to it yet. What is the same in `before`
   * is taken over, not opened again. Rejects with the first thing that is wrong; what it opened is closed again.
   */
  static async open(number: number, config: Config, ground: Ground, before?: Generation): Promise<Generation> {
    const { goOn } = new LongWork()
    const lanes = [...ground.journal.stats().lanes, ...(before ? lanesNow(before.config) : [])]
    const decided = routesOf(config).map((route) => ground.rollouts.decided(route))
    const routes = await allWithVersions(decided, config.functions, lanes, goOn)
    const made = new Generation(number, config, ground, (await compileInTurns(routes, goOn, before?.router)).router)
    try {
      await made.#open(before, goOn)
      return made
    } catch (error) {
      await made.retire(before)
      throw error
    }
  }

  get pool(): FunctionPool {
    if (this.#pool) return this.#pool
    throw new GatewayError('STOPPING', 'functions (pool): calling: they are not loaded')
  }

  /** The topic filters whose publishes become events. */
  get filters(): readonly string[] {
    const taken = this.routes.flatMap(({ from }) => from.flatMap((each) => (each.kind === 'mqtt' ? [each.filter] : [])))
    return [...new Set([...taken, 'service/+'])].sort()
  }

  /** The configuration that runs, in its long form; the first line says since when. */
  get told(): string {
    const head = `# generation ${this.number}, since ${this.#since.toISOString()}\n`
    return `${head}${this.#ground.rollouts.told()}${expand(this.config)}`
  }

  /** Whether deliveries of a lane are made. */
  serves = ({ route }: Pick<Lane, 'route'>): boolean =>
    route === OFFERS.route || this.routes.some(({ name }) => name === route)

  /** The number under which the journal keeps what it is: events and attempts refer to it. */
  get mark(): number {
    this.#mark ??= this.#ground.chronicle.begin(this.routes, this.#digests)
    return this.#mark
  }

  /**
   * Serves its lanes from now on, and `before` those no longer. A lane that is the same goes on undisturbed. Resolves once
   * all are served: of very many, what comes for the last waits a moment in the journal, and holds up nobody.
   */
  async take(before?: Generation): Promise<void> {
    this.#mark = this.#ground.chronicle.begin(this.routes, this.#digests)
    const same = before && (this.#same?.before === before ? this.#same.names : await this.#heldBy(before))
    this.#same = undefined
    const held = before ? before.#served : NOBODY
    if (before) before.#served = new Map()
    const { goOn } = new LongWork()
    for (const name of same ?? []) {
      const served = held.get(name)
      if (served) this.#served.set(name, served)
      held.delete(name)
    }
    if (before) for (const served of held.values()) before.#leave(served)
    for (const route of this.routes) {
      await goOn()
      if (!this.#served.has(route.name)) this.#serve(route, held.get(route.name))
    }
    await goOn()
    if (!before) this.#ground.dispatcher.add(offerLane(this.#ground.accept, this.#ground.delivery))
  }

  /** Resolves once its sources run and those of `before` that are other ones do not. Rejects when one cannot start. */
  async listen(before?: Generation): Promise<void> {
    const wanted = new Map(this.config.sources.map((instance) => [instance.name, instance]))
    const held = before ? before.#sources : NONE
    for (const [name, running] of [...held]) {
      held.delete(name)
      if (isDeepStrictEqual(running.instance, wanted.get(name))) this.#sources.set(name, running)
      else await this.#ground.sources.close(running.part)
    }
    for (const [name, instance] of wanted)
      if (!this.#sources.has(name)) this.#sources.set(name, { instance, part: await this.#openSource(instance) })
    await this.#keep?.()
    this.#keep = undefined
    this.#ground.rollouts.follow(this.config.routes)
  }

  /** What the sources listen on, by name. */
  *addresses(): Generator<readonly [name: string, url: string]> {
    for (const [name, { instance, part }] of this.#sources)
      if (part.address) yield [name, `${instance.type}://${part.address}`]
  }

  /** Lets a sink that is gone be tried again, one delivery first. Returns the lanes that waited; undefined without such a sink. */
  resume(name: string): readonly Lane[] | undefined {
    const sink = this.#sinks.get(name)
    if (sink === undefined) return undefined
    sink.part.resume?.()
    return this.#ground.breakers.resume(name)
  }

  /** Where each delivery of an event stands that is not settled, by its id. */
  standings = (record: EventRecord): ReadonlyMap<string, Standing> =>
    standingsOf(record, this.router, ({ route, to }) => this.#served.get(route)?.lanes.get(to), SYSTEM_CLOCK.now())

  /** Resolves once all that it began has ended, and what `next` does not use is closed. */
  async retire(next?: Generation): Promise<void> {
    const { direct, pools, sinks } = this.#ground
    await Promise.all([...this.#leaving, direct.settled()])
    if (!next || this.#pool !== next.#pool) await pools.close(this.#pool)
    const used = new Set(next ? Array.from(next.#sinks.values(), ({ part }) => part) : [])
    const { goOn } = new LongWork()
    for (const { part } of this.#sinks.values()) {
      await goOn()
      if (!used.has(part)) await sinks.close(part)
    }
  }

  async #open(before: Generation | undefined, goOn: LongWork['goOn']): Promise<void> {
    const { config, routes } = this
    const { versions } = this.#ground
    // The gateway changes weights by itself, and then runs what it holds, whatever became of the files.
    const kept = before && before.config.functions === config.functions
    this.#digests = kept ? before.#digests : await digestsOf(config.functions, before ? before.#digests : versions.held)
    const keep = kept ? undefined : await this.#ground.capabilities.check(config.functions, this.#digests)
    const same =
      before &&
      isDeepStrictEqual(before.config.functions, config.functions) &&
      sameFiles(config.functions, before.#digests, this.#digests)
    this.#pool = same
      ? before.#pool
      : await this.#ground.openPool(config.functions, freshOf(this.#filed, before ? before.#filed : undefined))
    for (const instance of config.sinks) await this.#openSink(instance, before)
    await this.targets.open(routes, {
      goOn,
      pool: this.pool,
      sink: (name) => this.#sinks.get(name)?.part,
      topic: ({ mode, text, topic }) =>
        this.#openSink({ name: text, type: 'mqtt', config: { topic, mode } }, before, (given) =>
          this.#ground.connectors.get('mqtt')?.sink?.config.parse(given),
        ),
    })
    if (keep) this.#keep = () => Promise.all([keep(), versions.keep(this.#digests)])
    if (before) this.#same = { before, names: await this.#heldBy(before, goOn) }
  }

  get #filed(): Filed {
    return { functions: this.config.functions, digests: this.#digests }
  }

  #heldBy = (before: Generation, goOn?: LongWork['goOn']): Promise<readonly string[]> =>
    this.targets.held(this.routes, before.targets, before.#served, goOn)

  async #openSink(instance: Instance, before?: Generation, read = (given: unknown): unknown => given): Promise<Sink> {
    const { name, type, config } = instance
    const held = before ? before.#sinks.get(name) : undefined
    if (held && isDeepStrictEqual(held.instance, instance)) {
      this.#sinks.set(name, held)
      return held.part
    }
    const spec = this.#ground.connectors.get(type)?.sink
    if (spec === undefined)
      throw new GatewayError('CONFIG_INVALID', `${name} (${type}): opening: there is no such sink`)
    const part = spec.create(read(config), this.#ground.context(name))
    await this.#ground.sinks.run(name, part)
    this.#sinks.set(name, { instance, part })
    return part
  }

  async #openSource({ as, name, type, config }: Instance): Promise<Source> {
    const spec = this.#ground.connectors.get(type)?.source
    if (spec === undefined)
      throw new GatewayError('CONFIG_INVALID', `${name} (${type}): opening: there is no such source`)
    const context = this.#ground.context(name)
    const source = spec.create(config, context)
    const named = as && compileNaming(as, toldOnce(context))
    const emit = this.#ground.emit(name, { named, keeps: spec.guarantees.rejected === 'redelivered' })
    const start = async (signal: AbortSignal) => {
      await source.start(emit, signal)
      return source
    }
    return this.#ground.sources.open(name, start, () => source.stop())
  }

  #serve(route: Route, instead: Served | undefined): void {
    const { breakers, delivery, dispatcher } = this.#ground
    const controlled = { router: this.router, breakers }
    const own = { ...delivery, generation: this.mark, digests: this.#digests }
    const lanes = lanesOf(route, (target) => this.targets.durable(target), own, controlled).map(
      (lane) => [lane.to, dispatcher.add(lane, instead?.lanes.get(lane.to))] as const,
    )
    this.#served.set(route.name, { route, lanes: new Map(lanes) })
  }

  #leave({ lanes }: Served): void {
    for (const lane of lanes.values()) this.#leaving.push(lane.leave())
  }
}

/** What of a configuration can run now: sections that have changed and stay as they are are named in `later`. */
export function runnable(
  running: Config,
  given: Config,
): { readonly config: Config; readonly later: readonly string[] } {
  const later = FIXED.filter((section) => !isDeepStrictEqual(running[section], given[section]))
  const kept = (from: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(later.flatMap((section) => (section in from ? [[section, from[section]]] : [])))
  const config = { ...given, ...kept({ ...running }), expanded: { ...given.expanded, ...kept(running.expanded) } }
  return { config, later }
}

/** One line for each attribute that stays as it was: messages of one source mostly lack the same. */
function toldOnce({ log, name }: Pick<Context, 'log' | 'name'>): Unnamed {
  const told = new Set<string>()
  return (attribute, reason, { id }) => {
    if (told.has(attribute)) return
    told.add(attribute)
    const fields = { source: name, attribute, event: id, reason }
    log.warn(fields, 'source: its as gave no value, the attribute stays as it was; said once for each attribute')
  }
}

const routesOf = (config: Config): readonly Route[] => [...config.routes, ...callRoutes(config)]

const lanesNow = (config: Config) =>
  routesOf(config).flatMap(({ name, to }) => to.map(({ text }) => ({ route: name, to: text })))

const NOBODY = new Map<string, Served>()
const NONE = new Map<string, Running<Source>>()
