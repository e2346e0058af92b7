/** The composition root: builds every part, starts and stops them in order. The only file that names implementations. */

import { dirname, join, resolve } from 'node:path'
import { type AdminParts, createAdmin } from './admin/index.ts'
import { Readiness } from './admin/readiness.ts'
import { type Broker, createBroker } from './broker/index.ts'
import { type Config, callRoutes, expand } from './config/index.ts'
import type { Connector, Context, Emit, Log, Sink } from './connector/connector.ts'
import { type Accept, createAccept } from './delivery/accept.ts'
import { ActivityStream } from './delivery/activity.ts'
import { Calls } from './delivery/calls.ts'
import { JournalCredit } from './delivery/credit.ts'
import { deadLetterLane } from './delivery/deadletter.ts'
import type { DeliverParts } from './delivery/deliver.ts'
import { DirectRunner } from './delivery/direct.ts'
import { Dispatcher } from './delivery/dispatch.ts'
import { lanesOf } from './delivery/lanes.ts'
import { Targets } from './delivery/targets.ts'
import { createNoRoute } from './delivery/unknown.ts'
import { GatewayError } from './errors.ts'
import { uuidv7 } from './event/index.ts'
import { openJournal, openMemoryJournal } from './journal/index.ts'
import type { Journal } from './journal/journal.ts'
import { Lifecycle } from './lifecycle.ts'
import { createPool } from './pool/index.ts'
import type { FunctionPool } from './pool/pool.ts'
import { Replies } from './reply/index.ts'
import { compilePredicate, compileRouter } from './router/index.ts'
import type { Route } from './router/route.ts'
import type { Router } from './router/router.ts'
import { createLog, createMetrics, functionLog, observe } from './telemetry/index.ts'

export interface GatewayOptions {
  readonly connectors: readonly Connector[]
  /** Replaces the log that the configuration asks for. */
  readonly log?: Log
}

/** How long a part may take to start and to stop; a stop drains what is under way for as long as `DRAIN_MS`. */
const PATIENCE = { startMs: 30_000, stopMs: 9_000 }
const DRAIN_MS = 5_000
const MAX_IN_FLIGHT = 1_024
const LIMITS = { appends: 8_192, pending: 10_000_000 }

/** What one run of the gateway is made of. */
interface Run {
  readonly journal: Journal
  readonly pool: FunctionPool
  readonly broker: Broker
  readonly credit: JournalCredit
  readonly calls: Calls
  readonly replies: Replies
  readonly direct: DirectRunner
  /** For what comes from outside: refused when there is no room. */
  readonly accept: Accept
  /** For events that come of events. */
  readonly inner: Accept
}

/** One gateway, from `start` to `stop`. */
export class Gateway {
  readonly config: Config
  readonly routes: readonly Route[]
  readonly activity = new ActivityStream()
  readonly log: Log
  readonly #connectors: ReadonlyMap<string, Connector>
  readonly #life = new Lifecycle(PATIENCE)
  readonly #readiness = new Readiness()
  readonly #metrics = createMetrics()
  readonly #router: Router
  readonly #failed = Promise.withResolvers<Error>()
  readonly #targets = new Targets()
  readonly #addresses = new Map<string, string>()
  #run: Run | undefined
  #started = false

  constructor(config: Config, { connectors, log }: GatewayOptions) {
    this.config = config
    this.log = log ?? createLog(config.log, { secrets: config.secrets })
    this.routes = [...config.routes, ...callRoutes(config)]
    this.#connectors = new Map(connectors.map((connector) => [connector.type, connector]))
    this.#router = compileRouter(this.routes).router
    this.activity.subscribe(observe(this.log, this.#metrics))
  }

  /** Resolves with the reason when the gateway can no longer keep its promises; pending for as long as it can. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  /** What listens where, by the name of the part: `http` -> `http://127.0.0.1:8080`. */
  get addresses(): ReadonlyMap<string, string> {
    return this.#addresses
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

  /** Takes nothing new, finishes what is under way within its limits, closes everything. Safe to call twice. */
  async stop(): Promise<void> {
    this.#run?.credit.close()
    await this.#life.stop()
  }

  /** The way in for an embedding program. Throws STOPPING before the gateway has been started. */
  get front(): Pick<Run, 'accept' | 'calls'> {
    if (this.#run === undefined) throw new GatewayError('STOPPING', 'gateway: accepting: it has not been started')
    return this.#run
  }

  async #start(): Promise<void> {
    const run = await this.#assemble()
    this.#run = run
    const { broker } = run
    this.#watch(run)
    const admin = createAdmin(this.config.admin, this.#adminParts(run))
    await this.#life.run('admin', admin)
    this.#addresses.set('admin', `http://${admin.address}`)
    await this.#openTargets(run)
    const filters = this.routes.flatMap(({ from }) =>
      from.flatMap((each) => (each.kind === 'mqtt' ? [each.filter] : [])),
    )
    const taken = { filters: [...new Set([...filters, 'service/+'])] }
    await this.#openSource('mqtt', 'mqtt', this.#options('source', taken), run)
    await this.#life.run('broker', broker)
    for (const url of broker.addresses()) this.#addresses.set(url.startsWith('ws') ? 'ws' : 'mqtt', url)
    await this.#openDispatch(run)
    for (const { name, type, config } of this.config.sources) await this.#openSource(name, type, config, run)
    await this.#openSource('http', 'http', this.config.http, run)
    this.#started = true
  }

  /** Opens the journal and the pool, and ties the path together around them. */
  async #assemble(): Promise<Run> {
    const { activity, config, log } = this
    const journal = await this.#openJournal()
    const pool = await this.#openPool()
    const credit = new JournalCredit({ ...LIMITS, bytes: config.journal.max_size }, () => journal.used)
    const broker = createBroker(config.broker, { log, credit })
    const replies = new Replies(broker)
    const target = (to: string) => this.#targets.direct(to)
    const direct = new DirectRunner({
      replies,
      activity,
      now: Date.now,
      accept: (event, origin) => inner(event, origin),
      target,
    })
    const noRoute = createNoRoute(config.callable, config.services)
    const parts = {
      journal,
      replies,
      activity,
      noRoute,
      router: () => this.#router,
      runDirect: direct.run.bind(direct),
    }
    const inner = createAccept(parts)
    const calls = new Calls(journal, replies, config.callable)
    return { journal, pool, broker, credit, calls, direct, replies, inner, accept: createAccept({ ...parts, credit }) }
  }

  async #openJournal(): Promise<Journal> {
    const { memory, path, retain, max_size: maxBytes } = this.config.journal
    const settings = { path, retainMs: retain, maxBytes }
    const open = async () => (memory ? openMemoryJournal(settings) : openJournal(settings, { log: this.log }))
    const journal = await this.#life.open('journal', open, async (opened) => opened[Symbol.asyncDispose]())
    void journal.failed.then((error) => this.#fail(error))
    return journal
  }

  async #openPool(): Promise<FunctionPool> {
    const { functions, journal } = this.config
    // What functions are compiled to is kept beside the journal: files of ours alone, since they are executed.
    const cache = join(dirname(resolve(journal.path)), 'functions')
    const open = async () => {
      const pool = await createPool(functions, { log: functionLog(this.log), cache })
      await Promise.all(functions.map((spec) => pool.ready(functionName(spec))))
      return pool
    }
    return this.#life.open('functions', open, async (opened) => opened[Symbol.asyncDispose]())
  }

  async #openTargets(run: Run): Promise<void> {
    const sinks = new Map<string, Sink>()
    for (const { name, type, config } of this.config.sinks) {
      sinks.set(name, await this.#openSink(name, type, config, run))
    }
    await this.#targets.open(this.routes, {
      pool: run.pool,
      sink: (name) => sinks.get(name),
      topic: ({ mode, text, topic }) => this.#openSink(text, 'mqtt', this.#options('sink', { topic, mode }), run),
    })
  }

  /** Options of the mqtt connector that come from routes, with its defaults. */
  #options(half: 'source' | 'sink', given: object): unknown {
    return this.#connectors.get('mqtt')?.[half]?.config.parse(given)
  }

  async #openSink(name: string, type: string, config: unknown, run: Run): Promise<Sink> {
    const spec = this.#connectors.get(type)?.sink
    if (spec === undefined)
      throw new GatewayError('CONFIG_INVALID', `${name} (${type}): opening: there is no such sink`)
    const sink = spec.create(config, this.#context(name, run))
    await this.#life.run(name, sink)
    return sink
  }

  async #openSource(name: string, type: string, config: unknown, run: Run): Promise<void> {
    const spec = this.#connectors.get(type)?.source
    if (spec === undefined)
      throw new GatewayError('CONFIG_INVALID', `${name} (${type}): opening: there is no such source`)
    const source = spec.create(config, this.#context(name, run))
    const emit: Emit = (event, offer) => run.accept(event, { source: name, address: offer?.address ?? '' }, offer)
    await this.#life.open(
      name,
      (signal) => source.start(emit, signal),
      () => source.stop(),
    )
    if (source.address) this.#addresses.set(name, `${type}://${source.address}`)
  }

  async #openDispatch(run: Run): Promise<void> {
    const { calls, direct, inner, journal, replies } = run
    const dispatcher = new Dispatcher(journal, (error) => this.#fail(error))
    const copy: DeliverParts['copy'] = async (event, target, route) => {
      const entry = { event, origin: { source: 'dead_letter', address: route }, callId: uuidv7() }
      await journal.append({ ...entry, routes: [{ route, to: deadLetterLane(target) }] })
    }
    const parts: DeliverParts = {
      journal,
      replies,
      activity: this.activity,
      accept: inner,
      copy,
      cancelled: (callId) => calls.cancelled(callId),
      now: Date.now,
    }
    await this.#life.open(
      'dispatch',
      async () => {
        for (const route of this.routes)
          for (const lane of lanesOf(route, (target) => this.#targets.durable(target), parts, this.#router))
            dispatcher.add(lane)
      },
      () => Promise.all([dispatcher.stop(DRAIN_MS), direct.stop(DRAIN_MS)]),
    )
  }

  #context(name: string, { broker, calls, credit, journal }: Run): Context {
    const cursor = { get: () => journal.cursor(name), set: (value: string) => journal.setCursor(name, value) }
    return { name, maxInFlight: MAX_IN_FLIGHT, log: this.log, credit, cursor, broker, calls, health: this.#readiness }
  }

  /** Ready means that the whole way of each route is open: each check goes through the part it names. */
  #watch({ broker, credit, journal, pool }: Run): void {
    this.#readiness.demand('gateway', () => this.#started, 'it is still starting')
    this.#readiness.demand('broker', () => broker.addresses().length > 0, 'it does not listen')
    this.#readiness.demand('room', () => !credit.full, 'the journal found no room; free space on its disk')
    this.#readiness.add('journal', () => journal.setCursor('headgate.probe', new Date().toISOString()))
    for (const spec of this.config.functions)
      this.#readiness.add(`function ${functionName(spec)}`, () => pool.ready(functionName(spec)))
    this.#metrics.watch({
      journal: () => journal.stats(),
      functions: () => pool.stats(),
      mqttClients: () => broker.stats().clients,
    })
  }

  #adminParts({ journal, pool }: Run): AdminParts {
    return {
      health: this.#readiness,
      journal,
      functions: () => pool.stats(),
      metrics: this.#metrics,
      config: () => expand(this.config),
      explain: (event, origin) => this.#router.explain(event, origin),
      subscribe: (listener) => this.activity.subscribe(listener),
      predicate: compilePredicate,
      log: this.log,
    }
  }

  #fail(error: Error): void {
    this.#readiness.fail(error)
    this.#failed.resolve(error)
  }
}

const functionName = ({ name, version }: { readonly name: string; readonly version?: string }): string =>
  version === undefined ? name : `${name}@${version}`
