/** The composition root: starts the parts in order, stops them in the opposite one, and swaps generations on a reload. */

import { isDeepStrictEqual } from 'node:util'
import { type AdminParts, createAdmin } from './admin/index.ts'
import { Readiness } from './admin/readiness.ts'
import type { Config } from './config/index.ts'
import type { Connector, Log, Source } from './connector/connector.ts'
import { ActivityStream } from './delivery/activity.ts'
import { textsOf } from './delivery/rollout.ts'
import { replacedLanes } from './delivery/versions.ts'
import { GatewayError } from './errors.ts'
import { Generation, runnable } from './generation.ts'
import { type Ground, layGround, PATIENCE } from './ground.ts'
import { Lifecycle } from './lifecycle.ts'
import { compilePredicate } from './router/index.ts'
import { versioned } from './schema/index.ts'
import { createLog, createMetrics, observe } from './telemetry/index.ts'

export interface GatewayOptions {
  readonly connectors: readonly Connector[]
  /** Replaces the log that the configuration asks for. */
  readonly log?: Log
  /** The folder that versions of functions are put into while it runs, and what reads the configuration again then. */
  readonly deploy?: { readonly folder: string; readonly load: () => Promise<Config> }
}

/** A stop drains what is under way for as long as this. */
const DRAIN_MS = 5_000

/** What came of a reload. */
export interface Reloaded {
  /** Counts up from 1 at each start. */
  readonly generation: number
  /** Sections that have changed and stay as they are until the next start. */
  readonly later: readonly string[]
}

/** One gateway, from `start` to `stop`. */
export class Gateway {
  readonly activity = new ActivityStream()
  readonly log: Log
  readonly #first: Config
  readonly #connectors: ReadonlyMap<string, Connector>
  readonly #deploy: GatewayOptions['deploy']
  readonly #life = new Lifecycle(PATIENCE)
  readonly #readiness = new Readiness()
  readonly #metrics = createMetrics()
  readonly #failed = Promise.withResolvers<Error>()
  readonly #addresses = new Map<string, string>()
  readonly #retiring = new Set<Promise<void>>()
  #ground: Ground | undefined
  #generation: Generation | undefined
  #mqtt: { readonly source: Source; readonly filters: readonly string[] } | undefined
  #reloading: Promise<unknown> = Promise.resolve()
  /** Of the generation that runs, and of the one before or after it. */
  #secrets: readonly string[]
  #started = false

  constructor(config: Config, { connectors, deploy, log }: GatewayOptions) {
    this.#first = config
    this.#deploy = deploy
    this.#secrets = config.secrets
    this.log = log ?? createLog(config.log, { name: config.name, secrets: () => this.#secrets })
    this.#connectors = new Map(connectors.map((connector) => [connector.type, connector]))
    this.activity.subscribe(observe(this.log, this.#metrics))
  }

  /** The configuration that runs. */
  get config(): Config {
    return this.#generation?.config ?? this.#first
  }

  /** Resolves with the reason when the gateway can no longer keep its promises; pending for as long as it can. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  /** What listens where, by the name of the part: `http` -> `http://127.0.0.1:8080`. */
  get addresses(): ReadonlyMap<string, string> {
    return new Map([...(this.#generation?.addresses() ?? []), ...this.#addresses])
  }

  /** Resolves once every part runs and every route is open; rejects with the first thing that is wrong, all stopped again. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      await this.#life
        .stop()
        .catch((problem: unknown) => this.log.warn({ err: problem }, 'gateway: stopping after a start that went wrong'))
      throw error
    }
  }

  /**
   * Runs the configuration that `load` resolves to from now on. What is the same goes on undisturbed; what a delivery
   * began with, it ends with. Resolves once the new one runs. Rejects with what is wrong, and nothing has changed then.
   * Reloads run one after the other.
   */
  reload(load: () => Promise<Config>): Promise<Reloaded> {
    const reloaded = this.#reloading.then(load).then((config) => this.#reload(config))
    this.#reloading = reloaded.then(
      () => this.#metrics.reloaded('done'),
      () => this.#metrics.reloaded('refused'),
    )
    return reloaded
  }

  /** Takes nothing new, finishes what is under way within its limits, closes everything. Safe to call twice. */
  async stop(): Promise<void> {
    this.#started = false
    this.#ground?.credit.close()
    await this.#reloading
    await this.#life.stop()
  }

  /** The way in for an embedding program. Throws STOPPING before the gateway has been started. */
  get front(): Pick<Ground, 'accept' | 'calls'> {
    if (this.#ground === undefined) throw new GatewayError('STOPPING', 'gateway: accepting: it has not been started')
    return this.#ground
  }

  async #start(): Promise<void> {
    const ground = await this.#layGround()
    const { broker, pools, sinks, sources } = ground
    this.#ground = ground
    this.#watch(ground)
    const admin = createAdmin(this.config.admin, this.#adminParts(ground))
    await this.#life.run('admin', admin)
    this.#addresses.set('admin', `http://${admin.address}`)
    const holding = (name: string, stop: () => Promise<unknown>) => this.#life.open(name, async () => {}, stop)
    await holding('functions', () => pools.stop())
    await holding('sinks', () => Promise.all(this.#retiring).then(() => sinks.stop()))
    const generation = await Generation.open(1, this.#first, ground)
    this.#generation = generation
    this.#demandFunctions(generation)
    await this.#intercept(generation, ground)
    await holding('mqtt', async () => this.#mqtt?.source.stop())
    await this.#life.run('broker', broker)
    for (const url of broker.addresses()) this.#addresses.set(url.startsWith('ws') ? 'ws' : 'mqtt', url)
    await generation.take()
    await holding('dispatch', () => Promise.all([ground.dispatcher.stop(DRAIN_MS), ground.direct.stop(DRAIN_MS)]))
    await holding('sources', () => sources.stop())
    await generation.listen()
    await this.#openHttp(ground)
    this.#started = true
    await ground.rollouts.begin()
    this.#warnOfStrays(ground, generation)
  }

  #layGround(): Promise<Ground> {
    return layGround({
      config: this.#first,
      connectors: this.#connectors,
      log: this.log,
      activity: this.activity,
      health: this.#readiness,
      metrics: this.#metrics,
      life: this.#life,
      current: () => this.#current,
      reweigh: () => this.reload(async () => this.config),
      failed: (error) => this.#fail(error),
    })
  }

  async #reload(given: Config): Promise<Reloaded> {
    const ground = this.#ground
    const before = this.#generation
    if (!this.#started || !ground || !before)
      throw new GatewayError('STOPPING', 'gateway: reloading: it does not run; the next start reads the configuration')
    const { config, later } = runnable(before.config, given)
    this.#secrets = [...before.config.secrets, ...config.secrets]
    const next = await Generation.open(before.number + 1, config, ground, before)
    try {
      await this.#become(next, before, ground)
    } catch (error) {
      await this.#become(before, next, ground)
      this.#retire(next, before)
      throw error
    }
    this.#retire(before, next)
    this.#warnOfStrays(ground, next)
    return { generation: next.number, later }
  }

  /** Everything that comes in is matched by `next` from here on. */
  async #become(next: Generation, before: Generation, ground: Ground): Promise<void> {
    this.#generation = next
    await next.take(before)
    await this.#intercept(next, ground)
    await next.listen(before)
    for (const spec of before.config.functions) this.#readiness.drop(`function ${versioned(spec)}`)
    this.#demandFunctions(next)
  }

  #retire(over: Generation, next: Generation): void {
    const retired = over
      .retire(next)
      .catch((error: unknown) => this.log.warn({ err: error }, `gateway: closing generation ${over.number}`))
      .finally(() => this.#retiring.delete(retired))
    this.#retiring.add(retired)
  }

  /** Takes the publishes that a generation asks for. What comes between two sets of filters waits. */
  async #intercept({ filters }: Generation, { context, emit }: Ground): Promise<void> {
    const spec = this.#connectors.get('mqtt')?.source
    if (!spec || isDeepStrictEqual(filters, this.#mqtt?.filters)) return
    const source = spec.create(spec.config.parse({ filters }), context('mqtt'))
    const stopped = this.#mqtt?.source.stop()
    this.#mqtt = { source, filters }
    await source.start(emit('mqtt'), AbortSignal.timeout(PATIENCE.startMs))
    await stopped
  }

  async #openHttp({ context, emit }: Ground): Promise<void> {
    const spec = this.#connectors.get('http')?.source
    if (spec === undefined) return
    const source = spec.create(this.config.http, context('http'))
    await this.#life.open(
      'http',
      (signal) => source.start(emit('http'), signal),
      () => source.stop(),
    )
    if (source.address) this.#addresses.set('http', `http://${source.address}`)
  }

  /** Ready means that the whole way of each route is open: each check goes through the part it names. */
  #watch({ breakers, broker, credit, journal, notes, rollouts }: Ground): void {
    this.#readiness.demand('gateway', () => this.#started, 'it is still starting, or stopping')
    this.#readiness.demand('broker', () => broker.addresses().length > 0, 'it does not listen')
    this.#readiness.demand('room', () => !credit.full, 'the journal found no room; free space on its disk')
    this.#readiness.add('journal', () => journal.setCursor('headgate.probe', new Date().toISOString()))
    for (const [name, says] of notes) this.#readiness.note(name, says)
    this.#metrics.watch({
      breakers: () => breakers.states(),
      holds: () => breakers.holds(),
      journal: () => journal.stats(),
      rollouts: () => rollouts.views(),
      functions: () => this.#generation?.pool.stats() ?? [],
      mqttClients: () => broker.stats().clients,
      generation: () => this.#generation?.number ?? 0,
    })
  }

  #demandFunctions({ config, pool }: Generation): void {
    for (const name of config.functions.map(versioned)) this.#readiness.add(`function ${name}`, () => pool.ready(name))
  }

  /** What waits for a route that is gone would wait in silence. */
  #warnOfStrays({ journal }: Ground, { number, routes, serves }: Generation): void {
    const { lanes } = journal.stats()
    for (const { pending, route } of lanes.filter((lane) => !serves(lane)))
      this.log.warn(
        { route, pending, generation: number },
        `${route} (route): ${pending} deliveries wait, and there is no such route; add it again and they go on`,
      )
    for (const { pending, route, to } of replacedLanes(routes, lanes))
      this.log.warn(
        { route, to, pending, generation: number },
        `${route} (route): ${pending} deliveries began with "${to}", which is gone; they go on with the newest version`,
      )
  }

  #adminParts({ capabilities, chronicle, journal, pauses, refusals, replay, rollouts }: Ground): AdminParts {
    const deploy = this.#deploy
    return {
      health: this.#readiness,
      journal,
      functions: () => this.#current.pool.stats(),
      metrics: this.#metrics,
      config: () => this.#current.told,
      explain: (event, origin) => this.#current.router.explain(event, origin),
      mark: () => this.#current.mark,
      past: (mark) => chronicle.at(mark),
      refusals,
      targets: (route) => textsOf(this.#current.router.get(route))?.takers,
      versions: (route) => textsOf(this.#current.router.get(route))?.idle ?? [],
      standings: (record) => this.#current.standings(record),
      resume: (sink) => this.#current.resume(sink),
      pauses,
      replay,
      rollouts,
      deployment: deploy && { capabilities, folder: deploy.folder, reload: () => this.reload(deploy.load) },
      functionFile: (name) => this.config.functions.find((spec) => versioned(spec) === name)?.wasm,
      subscribe: (listener) => this.activity.subscribe(listener),
      predicate: compilePredicate,
      log: this.log,
    }
  }

  get #current(): Generation {
    if (this.#generation) return this.#generation
    throw new GatewayError('STOPPING', 'gateway: asking: it is still starting')
  }

  #fail(error: Error): void {
    this.#readiness.fail(error)
    this.#failed.resolve(error)
  }
}
