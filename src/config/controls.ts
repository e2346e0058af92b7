/** Makes the timing controls of a route of their options, and reports those that do not go together. */

import type { RouteConfig } from '../router/config.ts'
import type { Controls } from '../router/route.ts'
import type { Reporter } from './names.ts'
import type { Path } from './tree.ts'

/** Returns the controls of a route; undefined when it has none. */
export function makeControls(config: RouteConfig, path: Path, reporter: Reporter): Controls | undefined {
  const controls = controlsOf(config)
  const given = Object.keys(controls).map((name) => name.replace(/Ms$/, ''))
  if (config.delivery === 'direct')
    for (const name of given)
      reporter.report([...path, name], `"${name}" needs the journal, which "delivery: direct" skips`, {
        suggestion: 'write "delivery: durable"',
      })
  reportClashes(config, path, reporter)
  return given.length === 0 ? undefined : controls
}

function controlsOf({ batch, breaker, concurrency, debounce, dedupe, delay, rate }: RouteConfig): Controls {
  return {
    ...(delay === undefined ? {} : { delayMs: delay }),
    ...(typeof concurrency === 'object' && concurrency.key !== undefined
      ? { concurrency: { limit: concurrency.limit, key: concurrency.key } }
      : {}),
    ...(batch ? { batch: { max: batch.max, waitMs: batch.wait } } : {}),
    ...(breaker ? { breaker: { failures: breaker.failures, openMs: breaker.open } } : {}),
    ...(debounce ? { debounce: debounceOf(debounce) } : {}),
    ...(dedupe ? { dedupe: { key: dedupe.key, windowMs: dedupe.window } } : {}),
    ...(rate ? { rate: { limit: rate.limit, perMs: rate.per, ...keyOf(rate) } } : {}),
  }
}

const debounceOf = (given: NonNullable<RouteConfig['debounce']>): NonNullable<Controls['debounce']> => ({
  ...keyOf(given),
  waitMs: given.wait,
  ...(given.max_wait === undefined ? {} : { maxWaitMs: given.max_wait }),
})

const keyOf = ({ key }: { readonly key?: string | undefined }): { readonly key?: string } =>
  key === undefined ? {} : { key }

/** Deliveries of one target under way at once, whatever their key. */
export const places = ({ concurrency }: RouteConfig): number => {
  if (typeof concurrency === 'number') return concurrency
  return concurrency.key === undefined ? concurrency.limit : concurrency.total
}

function reportClashes(config: RouteConfig, path: Path, reporter: Reporter): void {
  const { batch, concurrency, debounce, order_by: orderBy, rate } = config
  const keyed = { concurrency: typeof concurrency === 'object' ? concurrency.key : undefined, rate: rate?.key }
  for (const [name, key] of Object.entries(keyed))
    if (batch && key !== undefined)
      reporter.report([...path, name, 'key'], 'a batch has events of many keys, so that none of them can be limited', {
        suggestion: 'leave out the key, or "batch"',
      })
  if (debounce && orderBy !== undefined)
    reporter.report([...path, 'order_by'], 'there is no order to keep where "debounce" delivers the last alone', {
      suggestion: 'leave one of the two out',
    })
  if (debounce?.max_wait !== undefined && debounce.max_wait < debounce.wait)
    reporter.report([...path, 'debounce', 'max_wait'], 'shorter than "wait", which would never be over')
  if (typeof concurrency === 'object' && concurrency.key !== undefined && concurrency.limit > concurrency.total)
    reporter.report([...path, 'concurrency', 'limit'], `more than "total", which is ${concurrency.total}`, {
      suggestion: 'raise "total"',
    })
}
