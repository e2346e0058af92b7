/** What the tests of the router share: routes and events with everything that does not matter filled in. */

import { expect } from 'vitest'
import type { CloudEvent, Origin } from '../event/index.ts'
import { compileRouter } from './compile.ts'
import type { From, Route } from './route.ts'
import type { Router } from './router.ts'

export const ANY: From = { kind: 'any' }

/** A route to the function echo. */
export const route = (name: string, given: Partial<Route> = {}): Route => ({
  name,
  from: [ANY],
  to: [{ kind: 'function', text: 'echo', name: 'echo' }],
  retry: { max: 0, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
  concurrency: 16,
  timeoutMs: 30_000,
  delivery: 'auto',
  ...given,
})

/** An event; `json` becomes its data. */
export const event = (given: Partial<CloudEvent> & { json?: unknown } = {}): CloudEvent => {
  const { json, ...attributes } = given
  const data =
    json === undefined ? {} : { data: Buffer.from(JSON.stringify(json)), datacontenttype: 'application/json' }
  return { specversion: '1.0', id: '1', source: '/test', type: 'order.created', ...data, ...attributes }
}

export const MQTT: Origin = { source: 'mqtt', address: 'sensors/7/temperature' }

/** Compiles routes that have no problems. */
export const router = (routes: readonly Route[]): Router => {
  const { router, problems } = compileRouter(routes)
  expect(problems).toEqual([])
  return router
}
