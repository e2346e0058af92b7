/** What outlives every generation: the journal, the broker, the path between them. */

import { type Broker, createBroker } from './broker/index.ts'
import { Chronicle } from './chronicle.ts'
import type { Config } from './config/index.ts'
import type { HealthPort } from './connector/calls.ts'
import type { Connector, Context, Emit, Log } from './connector/connector.ts'
import { type Accept, type AcceptParts, createAccept } from './delivery/accept.ts'
import type { ActivityStream } from './delivery/activity.ts'
import { Breakers } from './delivery/breakers.ts'
import { Calls } from './delivery/calls.ts'
import { SYSTEM_CLOCK } from './delivery/clock.ts'
import { JournalCredit } from './delivery/credit.ts'
import { deadLetterLane, isCurtailed } from './delivery/deadletter.ts'
import type { DeliverParts } from './delivery/deliver.ts'
import { DirectRunner } from './delivery/direct.ts'
import { Dispatcher } from './delivery/dispatch.ts'
import { createEmit, type Name } from './delivery/emit.ts'
import { readGone } from './delivery/gone.ts'
import { Hooks } from './delivery/hooks.ts'
import { Pauses } from './delivery/pauses.ts'
import { Refusals } from './delivery/refusals.ts'
import { keepingRefused } from './delivery/refused-offers.ts'
import { type ReplayProgress, type ReplayWish, replay } from './delivery/replay.ts'
import { type RolloutParts, Rollouts } from './delivery/rollouts.ts'
import type { Targets } from './delivery/targets.ts'
import type { Transformer } from './delivery/transform.ts'
import { TransformProcesses } from './delivery/transform-processes.ts'
import type { NoRoute } from './delivery/unknown.ts'
import { type CloudEvent, DEAD_LETTER_SOURCE, uuidv7 } from './event/index.ts'
import { openHost } from './hosting.ts'
import { openJournal, openMemoryJournal } from './journal/index.ts'
import type { Journal } from './journal/journal.ts'
import { Lifecycle } from './lifecycle.ts'
import { Capabilities } from './pool/capabilities.ts'
import type { Host } from './pool/host.ts'
import { cacheBeside, createPool, VersionDigests } from './pool/index.ts'
import type { FunctionDenied, FunctionPool, FunctionSpec } from './pool/pool.ts'
import { probe } from './pool/probe.ts'
import { Replies } from './reply/index.ts'
import type { Router } from './router/router.ts'
import { versioned } from './schema/index.ts'
import { functionLog, type Metrics } from './telemetry/index.ts'

/** How long a part may take to start and to stop; a stop drains what is under way for as long as `DRAIN_MS`. */
export const PATIENCE = { startMs: 30_000, stopMs: 9_000 }
/** A large component takes a second to be transpiled, and ten on a machine with much else to do. */
const FUNCTION_MS = 10_000
const MAX_IN_FLIGHT = 1_024
const LIMITS = { appends: 8_192, pending: 10_000_000 }

/** The generation that runs, as far as the path asks it. */
export interface Current {
  readonly config: Config
  readonly router: Router
  readonly targets: Targets
  readonly noRoute: NoRoute
  /** The number under which the journal keeps what it is. */
  readonly mark: number
  /** The names that functions may be called by. */
  readonly callNames: readonly string[]
}

export interface GroundParts {
  readonly config: Config
  readonly connectors: ReadonlyMap<string, Connector>
  readonly log: Log
  readonly activity: ActivityStream
  readonly health: HealthPort
  readonly metrics: Pick<Metrics, 'meter' | 'counting'>
  readonly life: Lifecycle
  readonly current: () => Current
  /** Has the routes run with the weights that rollouts decided. */
  readonly reweigh: () => Promise<unknown>
  /** Hears what ends the gateway. */
  readonly failed: (error: Error) => void
}

export interface Ground {
  readonly connectors: ReadonlyMap<string, Connector>
  readonly journal: Journal
  readonly broker: Broker
  readonly breakers: Breakers
  readonly pauses: Pauses
  /** What an operator should know of each, while the gateway is ready all the same. */
  readonly notes: ReadonlyMap<string, () => string | undefined>
  readonly credit: JournalCredit
  readonly chronicle: Chronicle
  readonly refusals: Refusals
  readonly rollouts: Rollouts
  readonly capabilities: Capabilities
  readonly versions: VersionDigests
  readonly calls: Calls
  readonly direct: DirectRunner
  readonly dispatcher: Dispatcher
  readonly delivery: DeliverParts
  /** For what comes from outside: refused when there is no room. */
  readonly accept: Accept
  readonly pools: Lifecycle
  readonly sinks: Lifecycle
  readonly sources: Lifecycle
  /** Runs events that the journal remembers again, until `signal`. */
  replay(wish: ReplayWish, signal: AbortSignal): AsyncIterable<ReplayProgress>
  /** Resolves once all are warm, and those of `fresh` that have a probe have passed it. */
  openPool(functions: readonly FunctionSpec[], fresh: readonly FunctionSpec[]): Promise<FunctionPool>
  context(name: string): Context
  /** What is lent to a source; `keeps` has what is refused for good kept, as nobody can be told. */
  emit(name: string, given?: { readonly named?: Name | undefined; readonly keeps?: boolean }): Emit
}

/** Opens the journal, and ties the path together around it; nothing listens yet. Rejects with what the journal has to say. */
export async function layGround(parts: GroundParts): Promise<Ground> {
  const { activity, config, connectors, current, failed, health, log } = parts
  const { counting, meter } = parts.metrics
  const journal = await openItsJournal(parts)
  const credit = new JournalCredit({ ...LIMITS, bytes: config.journal.max_size }, () => journal.used)
  const breakers = new Breakers(log, await readGone(journal), () => credit.crowded)
  const pauses = new Pauses(() => current().config.sources.map(({ name }) => name))
  const creditOf = (source: string) => {
    const fed = breakers.credit(source, credit, () => current().router.routes)
    return pauses.credit(source, fed)
  }
  const refusals = new Refusals()
  const denied: FunctionDenied = (denial) => refusals.denials.add(denial)
  const refused = (source: string) => refusedBy(refusals, source)
  const broker = createBroker(config.broker, { log, failed, credit: creditOf('mqtt'), refused: refused('mqtt') })
  const replies = new Replies(broker)
  const transformer = await openTransformer(parts)
  const direct = new DirectRunner({
    transformer,
    refusals,
    replies,
    activity,
    now: Date.now,
    accept: (event, origin) => inner(event, origin),
    target: (to) => current().targets.direct(to),
  })
  const accepting: AcceptParts = {
    journal,
    replies,
    activity,
    noRoute: (event, origin) => current().noRoute(event, origin),
    router: () => current().router,
    generation: () => current().mark,
    refusals,
    runDirect: direct.run.bind(direct),
  }
  const inner = createAccept(accepting)
  const accept = createAccept({ ...accepting, credit, breakers })
  const keeping = keepingRefused(accept, journal)
  const calls = new Calls(journal, replies, () => current().callNames)
  const delivery: DeliverParts = {
    transformer,
    journal,
    replies,
    activity,
    accept: inner,
    copy: (event, target, route) => copyTo(journal, event, target, route),
    room: credit,
    cancelled: (callId) => calls.cancelled(callId),
    now: SYSTEM_CLOCK.now,
    wall: SYSTEM_CLOCK.wall,
  }
  const hooks = new Hooks()
  const opened = await openHost({ config, life: parts.life, failed, accept: inner, broker, calls })
  const host = counting(opened)
  const pools = new Lifecycle(PATIENCE)
  const cursor = (name: string): Context['cursor'] => ({
    get: () => journal.cursor(name),
    set: (value) => journal.setCursor(name, value),
  })
  return {
    connectors,
    journal,
    broker,
    breakers,
    pauses,
    notes: new Map([
      ['breakers', () => breakers.open()],
      ['sinks', () => breakers.held()],
      ['sources', () => pauses.told()],
    ]),
    credit,
    chronicle: new Chronicle(journal),
    refusals,
    rollouts: await openRollouts({ journal, activity, log, accept: inner, reweigh: parts.reweigh }, parts),
    capabilities: await Capabilities.read(cursor('headgate.capabilities')),
    versions: await VersionDigests.read(cursor('headgate.versions')),
    calls,
    direct,
    dispatcher: new Dispatcher(journal, failed),
    delivery,
    accept,
    pools,
    sinks: new Lifecycle(PATIENCE),
    sources: new Lifecycle(PATIENCE),
    replay: (wish, signal) => replay(wish, { ...accepting, journal, credit, clock: SYSTEM_CLOCK }, signal),
    openPool: (functions, fresh) => openPool(functions, fresh, pools, { ...parts, host, denied }),
    context: (name) => {
      const own = { name, credit: creditOf(name), cursor: cursor(name), meter: meter(name), refused: refused(name) }
      return { ...own, maxInFlight: MAX_IN_FLIGHT, log, broker, calls, health, hooks }
    },
    emit: (source, { keeps = false, named } = {}) => createEmit(keeps ? keeping : accept, source, named),
  }
}

/** Remembers what a source did not accept. */
const refusedBy =
  (refusals: Refusals, source: string): NonNullable<Context['refused']> =>
  (error, { address, ...seen }) =>
    refusals.seen(error, { ...seen, origin: { source, address } }, Date.now())

async function openItsJournal({ config, failed, life, log }: GroundParts): Promise<Journal> {
  const { memory, path, retain, max_size: maxBytes } = config.journal
  const settings = { path, retainMs: retain, maxBytes }
  const { now, notBefore } = SYSTEM_CLOCK
  const open = async () =>
    memory ? openMemoryJournal({ ...settings, now }) : openJournal(settings, { log, now, notBefore })
  const journal = await life.open('journal', open, async (opened) => opened[Symbol.asyncDispose]())
  void journal.failed.then(failed)
  return journal
}

function openTransformer({ config, life }: GroundParts): Promise<Transformer> {
  const open = async () => new TransformProcesses({ maxBytes: config.broker.limits.max_packet_size })
  return life.open('transforms', open, async (opened) => opened[Symbol.asyncDispose]())
}

const openRollouts = (rollouts: RolloutParts, { life }: GroundParts): Promise<Rollouts> =>
  life.open(
    'rollouts',
    () => Rollouts.read(rollouts),
    (opened) => opened.close(),
  )

function openPool(
  functions: readonly FunctionSpec[],
  fresh: readonly FunctionSpec[],
  pools: Lifecycle,
  { config, denied, host, log }: GroundParts & { readonly denied: FunctionDenied; readonly host: Host },
): Promise<FunctionPool> {
  const cache = cacheBeside(config.journal.path)
  const open = async () => {
    const pool = await createPool(functions, { log: functionLog(log), denied, cache, host })
    try {
      await Promise.all(functions.map((spec) => pool.ready(versioned(spec))))
      await probe(pool, fresh)
      return pool
    } catch (error) {
      await pool[Symbol.asyncDispose]()
      throw error
    }
  }
  const startMs = PATIENCE.startMs + functions.length * FUNCTION_MS
  return pools.open('functions', open, async (opened) => opened[Symbol.asyncDispose](), startMs)
}

async function copyTo(journal: Journal, event: CloudEvent, target: string, route: string): Promise<void> {
  const origin = { source: DEAD_LETTER_SOURCE, address: route }
  const entry = { event, origin, callId: uuidv7(), reserved: isCurtailed(event) }
  await journal.append({ ...entry, routes: [{ route, to: deadLetterLane(target) }] })
}
