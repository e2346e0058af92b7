/** The targets that routes name, each opened once however many routes name it. */

import { isDeepStrictEqual } from 'node:util'
import type { Sink } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { FunctionPool } from '../pool/pool.ts'
import type { Route, Target as RouteTarget } from '../router/route.ts'
import { FunctionTarget, SinkTarget, type Target } from './target.ts'

export interface TargetParts {
  readonly pool: FunctionPool
  /** The sink of this name in the configuration, started. */
  readonly sink: (name: string) => Sink | undefined
  /** Opens a sink for one MQTT topic template. */
  readonly topic: (target: Extract<RouteTarget, { kind: 'mqtt' }>) => Promise<Sink>
  /** Awaited before each target. */
  readonly goOn: () => Promise<void>
}

interface Opened {
  /** The pool or the sink that does the work. */
  readonly by: unknown
  readonly durable: Target
  /** For callers that wait: does not wait for room in the pool. */
  readonly direct: Target
}

export class Targets {
  readonly #opened = new Map<string, Opened>()

  /** Resolves once every target of these routes is open, dead-letter targets included. */
  async open(routes: readonly Route[], parts: TargetParts): Promise<void> {
    for (const target of routes.flatMap(targetsOf)) {
      await parts.goOn()
      if (!this.#opened.has(target.text)) this.#opened.set(target.text, await openTarget(target, parts))
    }
  }

  /**
   * Resolves to the names of the routes that `served` has as they are, and whose targets are what they were among these
   * others: the same pool, the same sinks. `goOn` is awaited before each.
   */
  async held(
    routes: readonly Route[],
    others: Targets,
    served: ReadonlyMap<string, { readonly route: Route }>,
    goOn?: () => Promise<void>,
  ): Promise<readonly string[]> {
    const held: string[] = []
    for (const route of routes) {
      await goOn?.()
      if (isDeepStrictEqual(served.get(route.name)?.route, route) && this.#same(route, others)) held.push(route.name)
    }
    return held
  }

  #same(route: Route, others: Targets): boolean {
    return targetsOf(route).every(({ text }) => {
      const by = this.#opened.get(text)?.by
      return by !== undefined && by === others.#opened.get(text)?.by
    })
  }

  durable({ text }: RouteTarget): Target {
    return this.#get(text).durable
  }

  direct(text: string): Target {
    return this.#get(text).direct
  }

  #get(text: string): Opened {
    const opened = this.#opened.get(text)
    if (opened) return opened
    throw new GatewayError('INTERNAL', `${text} (target): delivering: no route names it`)
  }
}

/** All that a route may send events to. */
const targetsOf = ({ deadLetter, fallback, to, versions = [] }: Route): readonly RouteTarget[] => [
  ...to,
  ...versions,
  ...(fallback ? [fallback] : []),
  ...(deadLetter ? [deadLetter] : []),
]

async function openTarget(target: RouteTarget, parts: TargetParts): Promise<Opened> {
  if (target.kind === 'function') {
    const { pool } = parts
    return {
      by: pool,
      durable: new FunctionTarget(pool, target, true),
      direct: new FunctionTarget(pool, target, false),
    }
  }
  const sink = target.kind === 'mqtt' ? await parts.topic(target) : parts.sink(target.name)
  if (sink === undefined) throw new GatewayError('INTERNAL', `${target.text} (sink): opening: it is not configured`)
  const one = new SinkTarget(target.text, sink, target.kind === 'mqtt' ? target.topic : undefined)
  return { by: sink, durable: one, direct: one }
}
