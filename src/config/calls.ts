/** The routes that nobody writes: each function that may be called is, at its own address. */

import type { From, RetryPolicy, Route } from '../router/route.ts'
import type { Config } from './config.ts'

/** A caller waits: whether to try again is its own decision, and it knows best how long it still wants to. */
const NO_RETRY: RetryPolicy = {
  max: 0,
  backoff: 'exponential',
  delayMs: 1_000,
  capMs: 60_000,
  jitter: 'full',
  except: [],
}

/**
 * Returns a route `call/<function>` for each function that may be called, at the topic `service/<function>`, at
 * `POST /call/<function>`, and for the program that embeds the gateway; and `call/<service>/<name>` for each function of a service, at the topic `service/<service>`:
 * `body.function` of the envelope, which is the extension `function` of the event, names one of them.
 */
export function callRoutes(config: Pick<Config, 'functions' | 'callable' | 'services'>): readonly Route[] {
  const route = (name: string, from: readonly From[], target: string, when?: string): Route | undefined => {
    const spec = config.functions.find((held) => held.name === target)
    return (
      spec && {
        name: `call/${name}`,
        from,
        ...(when === undefined ? {} : { when }),
        to: [{ kind: 'function', text: target, name: target }],
        retry: NO_RETRY,
        concurrency: spec.max,
        timeoutMs: spec.timeoutMs,
        delivery: 'auto',
      }
    )
  }
  const single = config.callable.map((name) => route(name, addresses(name), name))
  const grouped = config.services.map(({ service, as, function: target }) =>
    route(
      `${service}/${as}`,
      [{ kind: 'mqtt', filter: `service/${service}` }],
      target,
      `event.function == ${JSON.stringify(as)}`,
    ),
  )
  return [...single, ...grouped].filter((made) => made !== undefined)
}

const addresses = (name: string): readonly From[] => [
  { kind: 'mqtt', filter: `service/${name}` },
  { kind: 'http', method: 'POST', path: `/call/${name}` },
  { kind: 'source', source: 'call', address: name },
]
