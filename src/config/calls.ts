/** The routes that nobody writes: each function that may be called is, at its own address. */

import type { FunctionSpec } from '../pool/pool.ts'
import type { From, RetryPolicy, Route } from '../router/route.ts'
import { newest, readVersioned, versioned } from '../schema/index.ts'
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
 * `POST /call/<function>`, and for the program that embeds the gateway. `<function>` is a name, for the newest version,
 * or `name@version`. And `call/<service>/<name>` for each function of a service, at `POST /call/<service>/<name>` and at
 * the topic `service/<service>`: `body.function` of the envelope, which is the extension `function` of the event, names
 * one of them.
 */
export function callRoutes(config: Pick<Config, 'functions' | 'callable' | 'services'>): readonly Route[] {
  const single = config.callable.map((name) => {
    const from: readonly From[] = [{ kind: 'mqtt', filter: `service/${name}` }, ...addresses(name)]
    return callRoute(name, from, find(config.functions, name))
  })
  const grouped = config.services.map(({ service, as, function: target }) => {
    const from: readonly From[] = [{ kind: 'mqtt', filter: `service/${service}` }, ...addresses(`${service}/${as}`)]
    const when = `event.function == ${JSON.stringify(as)}`
    return callRoute(`${service}/${as}`, from, find(config.functions, target), when)
  })
  return [...single, ...grouped].filter((made) => made !== undefined)
}

/** Returns every name that a function may be called by: `<service>/<name>` for those of a service. */
export const callNames = ({ callable, services }: Pick<Config, 'callable' | 'services'>): readonly string[] => [
  ...callable,
  ...services.map(({ as, service }) => `${service}/${as}`),
]

function find(functions: readonly FunctionSpec[], text: string): FunctionSpec | undefined {
  const { name, version } = readVersioned(text)
  const own = functions.filter((spec) => spec.name === name)
  return version === undefined ? newest(own) : own.find((spec) => spec.version === version)
}

const callRoute = (
  name: string,
  from: readonly From[],
  spec: FunctionSpec | undefined,
  when?: string,
): Route | undefined =>
  spec && {
    name: `call/${name}`,
    from,
    ...(when === undefined ? {} : { when }),
    to: [
      {
        kind: 'function',
        text: versioned(spec),
        name: spec.name,
        ...(spec.version === undefined ? {} : { version: spec.version }),
      },
    ],
    retry: NO_RETRY,
    concurrency: spec.max,
    timeoutMs: spec.timeoutMs,
    delivery: 'auto',
  }

const addresses = (name: string): readonly From[] => [
  { kind: 'http', method: 'POST', path: `/call/${name}` },
  { kind: 'source', source: 'call', address: name },
]
