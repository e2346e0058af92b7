/** The whole path for one test: the real router, journal, dispatch and delivery, on a clock that does not wait. */

import { type Config, type ConfigTest, callRoutes } from '../config/index.ts'
import type { Connector } from '../connector/connector.ts'
import { type AcceptParts, createAccept } from '../delivery/accept.ts'
import { type Activity, ActivityStream } from '../delivery/activity.ts'
import { AskedByFunctions, type AskedParts } from '../delivery/asked.ts'
import { Breakers } from '../delivery/breakers.ts'
import { deadLetterLane } from '../delivery/deadletter.ts'
import type { DeliverParts } from '../delivery/deliver.ts'
import { DirectRunner } from '../delivery/direct.ts'
import { Dispatcher } from '../delivery/dispatch.ts'
import { lanesOf } from '../delivery/lanes.ts'
import type { Target } from '../delivery/target.ts'
import type { Transformer } from '../delivery/transform.ts'
import { TransformProcesses } from '../delivery/transform-processes.ts'
import { createNoRoute } from '../delivery/unknown.ts'
import { GatewayError } from '../errors.ts'
import { type CloudEvent, uuidv7 } from '../event/index.ts'
import type { RehearsalHost } from '../host/rehearsal.ts'
import type { Journal } from '../journal/journal.ts'
// And not of the room as a whole: a test needs no store, whose native code is another 30 ms.
import { openMemoryJournal } from '../journal/memory.ts'
import type { FunctionPool } from '../pool/pool.ts'
import type { Reply, ReplyPublisher } from '../reply/reply.ts'
import { compileRouter } from '../router/index.ts'
import type { Route, Target as RouteTarget } from '../router/route.ts'
import type { Router } from '../router/router.ts'
import { VirtualClock } from './clock.ts'
import { standIn, type TargetParts, type Tried } from './targets.ts'

/** What the tests of a configuration share. */
export interface Scene {
  readonly config: Config
  readonly connectors: ReadonlyMap<string, Connector>
  readonly router: Router
  readonly transformer: Transformer
  /** Loads the functions, at the first call. */
  readonly pool: () => Promise<FunctionPool>
  /** What they reach. */
  readonly host: Pick<RehearsalHost, 'begin'>
}

export type Settled = Extract<Activity, { kind: 'settled' }>
export type Arrived = Exclude<Activity, { kind: 'settled' }>

/** Routes as they are, but that what is random is not: without jitter a retry has one time. */
export function setScene(
  config: Config,
  connectors: readonly Connector[],
  functions: Pick<Scene, 'pool' | 'host'>,
): Scene {
  const routes = [...config.routes, ...callRoutes(config)].map((route) => ({
    ...route,
    retry: { ...route.retry, jitter: 'none' as const },
  }))
  const byType = new Map(connectors.map((connector) => [connector.type, connector]))
  // Its processes begin with the first transform, and keep no program running.
  const transformer = new TransformProcesses({ maxBytes: config.broker.limits.max_packet_size })
  return { config, connectors: byType, router: compileRouter(routes).router, transformer, ...functions }
}

/** Told of anything that a gateway would end for. */
type Fail = (error: Error) => void

/** Everything between a source and the targets, from `open` to `close`. */
export class Stage {
  readonly clock: VirtualClock
  readonly scene: Scene
  readonly journal: Journal
  readonly accept: ReturnType<typeof createAccept>
  /** In the order in which they happened. */
  readonly settled: Settled[] = []
  readonly arrived: Arrived[] = []
  readonly replies: Reply[] = []
  readonly tried: Tried[] = []
  /** Why the path broke down, if it did. */
  broken: Error | undefined
  /** Functions that wait for the answer to a request. */
  readonly #waits = new Map<string, (reply: Reply) => void>()
  readonly #dispatcher: Dispatcher
  readonly #direct: DirectRunner

  constructor(test: ConfigTest, scene: Scene, pool: FunctionPool | undefined) {
    const clock = new VirtualClock(test.begins, () => this.arrived.length + this.tried.length + this.settled.length)
    const fail: Fail = (error) => {
      this.broken ??= error
    }
    const activity = this.#watch()
    const find = targetsOf(test, scene, { clock, tried: (one) => void this.tried.push(one), ...(pool ? { pool } : {}) })
    const replies: ReplyPublisher = {
      publish: async (reply) => {
        const wait = this.#waits.get(reply.callId)
        if (wait) wait(reply)
        else this.replies.push(reply)
      },
      follow: () => undefined,
    }
    const journal = openMemoryJournal({ now: clock.now, timer: clock.at, retainMs: scene.config.journal.retain })
    const breakers = new Breakers(SILENT)
    const transformer = onClock(scene.transformer, clock)
    const common = { journal, replies, activity, transformer, now: clock.now }
    const direct = new DirectRunner({ ...common, accept: (...given) => inner(...given), target: find.byText })
    const accepting: AcceptParts = {
      ...common,
      router: () => scene.router,
      noRoute: createNoRoute(scene.config.callable, scene.config.services),
      runDirect: direct.run.bind(direct),
    }
    const inner = createAccept(accepting)
    scene.host.begin(new AskedByFunctions({ accept: inner, broker: NO_BROKER, calls: this.#calls(), now: clock.now }))
    const copy = copier(journal)
    const delivery: DeliverParts = { ...common, accept: inner, copy, cancelled: () => false, clock }
    const dispatcher = new Dispatcher(journal, fail)
    for (const route of scene.router.routes)
      for (const lane of lanesOf(route, (target) => find.of(target, route.name), delivery, {
        router: scene.router,
        breakers,
        clock,
      }))
        dispatcher.add(lane)
    this.clock = clock
    this.scene = scene
    this.journal = journal
    this.accept = createAccept({ ...accepting, breakers })
    this.#dispatcher = dispatcher
    this.#direct = direct
  }

  /** Ends what still runs or waits. */
  async close(): Promise<void> {
    await Promise.all([this.#dispatcher.stop(0), this.#direct.stop(0)])
    await this.journal[Symbol.asyncDispose]()
  }

  #calls(): AskedParts['calls'] {
    return {
      reply: (callId) => new Promise((resolve) => this.#waits.set(callId, resolve)),
      cancel: (callId) => void this.#waits.delete(callId),
    }
  }

  #watch(): ActivityStream {
    const activity = new ActivityStream()
    activity.subscribe((each) => {
      if (each.kind === 'settled') this.settled.push(each)
      else this.arrived.push(each)
    })
    return activity
  }
}

/** Real time passes in an evaluation, while the clock of the test stands still. */
const onClock = (transformer: Transformer, clock: VirtualClock): Transformer => ({
  event: (...given) => clock.hold(transformer.event(...given)),
  reply: (...given) => clock.hold(transformer.reply(...given)),
  [Symbol.asyncDispose]: () => transformer[Symbol.asyncDispose](),
})

/** What is published is offered to the routes, and nobody else listens. */
const NO_BROKER = { mayPublish: () => true, publish: async () => undefined }

const SILENT = { error: () => undefined, info: () => undefined, warn: () => undefined }

interface FoundTargets {
  of(target: RouteTarget, route: string): Target
  byText(text: string): Target
}

/** What stands for each target. A test of a route has the targets of that route fail, and no other. */
function targetsOf(
  { failing, route }: ConfigTest,
  { router }: Scene,
  given: Pick<TargetParts, 'clock' | 'pool' | 'tried'>,
): FoundTargets {
  const own = route === undefined ? undefined : new Set(router.get(route)?.to.map(({ text }) => text))
  const tested = (text: string): boolean => own === undefined || own.has(text)
  const parts = { ...given, tested, ...(failing ? { failing } : {}) }
  return {
    of: (target, name) => standIn(target, parts, name),
    byText: (text) => {
      const target = allTargets(router.routes).find((one) => one.text === text)
      if (target) return standIn(target, parts)
      throw new GatewayError('INTERNAL', `${text} (target): delivering: no route names it`)
    },
  }
}

/** Everything that these routes may send something to. */
export const allTargets = (routes: readonly Route[]): readonly RouteTarget[] =>
  routes.flatMap(({ deadLetter, fallback, to }) => [
    ...to,
    ...(fallback ? [fallback] : []),
    ...(deadLetter ? [deadLetter] : []),
  ])

const copier =
  (journal: Journal): DeliverParts['copy'] =>
  async (event: CloudEvent, target, route) => {
    const entry = { event, origin: { source: 'dead_letter', address: route }, callId: uuidv7() }
    await journal.append({ ...entry, routes: [{ route, to: deadLetterLane(target) }] })
  }
