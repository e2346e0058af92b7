/** The long form of a configuration, as it would be written: defaults filled in, secrets hidden, retries computed. */

import { Document, isScalar } from 'yaml'
import * as z from 'zod'
import type { Connector } from '../connector/connector.ts'
import type { FunctionSpec } from '../pool/pool.ts'
import type { Canary, Controls, From, RetryPolicy, Route, Target } from '../router/route.ts'
import { HIDDEN, hideSecrets, versioned } from '../schema/index.ts'
import { allowOf } from './allowed.ts'
import type { Config } from './config.ts'
import { mapping } from './names.ts'
import { configSchema } from './sections.ts'
import { durationText, sizeText } from './units.ts'

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The configuration in its long form, as YAML; each route's retries are followed by the waits they come to. */
export function expand(config: Config): string {
  const document = new Document(config.expanded, { aliasDuplicateObjects: false })
  for (const { name, retry } of config.routes) {
    const node: unknown = document.getIn(['routes', name, 'retry', 'max'], true)
    if (isScalar(node)) node.comment = waits(retry)
  }
  return document.toString({ lineWidth: 120 })
}

function waits(retry: RetryPolicy): string {
  const all = retrySchedule(retry).map(durationText)
  const shown = all.length > 12 ? [...all.slice(0, 10), '...', all.at(-1)] : all
  if (all.length === 0) return ' one attempt'
  return ` ${all.length + 1} attempts, waits ${retry.jitter === 'full' ? 'up to ' : ''}${shown.join(', ')}`
}

const forms = new WeakMap<z.ZodType, JsonSchema>()

/** Builds the long form of what was written. */
export function expanded(
  written: unknown,
  connectors: readonly Connector[],
  { functions, routes }: { readonly functions: readonly FunctionSpec[]; readonly routes: readonly Route[] },
): Readonly<Record<string, unknown>> {
  const whole = configSchema(connectors)
  const schema = forms.get(whole) ?? z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  forms.set(whole, schema)
  const filled = { ...mapping(withDefaults(schema, hideSecrets(whole, written))) }
  filled['functions'] = Object.fromEntries(
    functions.map((spec) => {
      const written = mapping(filled['functions'])
      const key = Object.hasOwn(written, versioned(spec)) ? versioned(spec) : spec.name
      return [key, functionOf(spec, written[key])]
    }),
  )
  filled['routes'] = Object.fromEntries(routes.map((route) => [route.name, routeOf(route)]))
  return filled
}

/** Fills in defaults as a schema gives them. */
function withDefaults(schema: JsonSchema, written: unknown): unknown {
  const value = written === undefined || written === null ? structuredClone(schema.default) : written
  if (Array.isArray(value)) {
    const items = schema.items
    return typeof items === 'object' && !Array.isArray(items) ? value.map((item) => withDefaults(items, item)) : value
  }
  if (typeof value !== 'object' || value === null) return value
  const branch = schema.anyOf?.find((one) => typeof one === 'object' && one.type === 'object')
  if (branch && typeof branch === 'object') return withDefaults(branch, value)
  const filled: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(schema.properties ?? {})) {
    const held = typeof part === 'object' ? withDefaults(part, mapping(value)[key]) : mapping(value)[key]
    if (held !== undefined) filled[key] = held
  }
  const rest = schema.additionalProperties
  for (const [key, held] of Object.entries(value))
    if (!Object.hasOwn(schema.properties ?? {}, key))
      filled[key] = typeof rest === 'object' ? withDefaults(rest, held) : held
  return filled
}

function functionOf(spec: FunctionSpec, written: unknown): unknown {
  return {
    wasm: spec.wasm,
    ...(spec.version === undefined ? {} : { version: spec.version }),
    pool: poolOf(spec, written),
    timeout: durationText(spec.timeoutMs),
    memory: sizeText(spec.memoryBytes),
    env: Object.fromEntries(Object.keys(spec.env).map((name) => [name, HIDDEN])),
    ...(spec.grants ? allowOf(spec.grants) : {}),
    output: spec.output ?? 'plain',
    ...(mapping(written)['policy'] === undefined ? {} : { policy: mapping(written)['policy'] }),
    ...(spec.approve ? { approve: spec.approve } : {}),
    ...(spec.probe
      ? { probe: { ...mapping(mapping(written)['probe']), timeout: durationText(spec.probe.timeoutMs) } }
      : {}),
    call: mapping(written)['call'] ?? true,
  }
}

function poolOf({ idleMs, max, min }: FunctionSpec, written: unknown): object {
  // What has no default stays as it is written.
  const { reuse, warm } = mapping(mapping(written)['pool'])
  const idle = durationText(idleMs)
  return { min, max, idle, ...(reuse === undefined ? {} : { reuse }), ...(warm === undefined ? {} : { warm }) }
}

function routeOf(route: Route): unknown {
  return {
    from: route.from.map(fromText),
    ...(route.when === undefined ? {} : { when: route.when }),
    ...(route.filters === undefined ? {} : { filters: route.filters }),
    ...(route.default ? { default: true } : {}),
    to: targetsOf(route),
    ...(route.canary ? { canary: canaryOf(route.canary) } : {}),
    retry: retryOf(route.retry),
    ...(route.fallback ? { fallback: targetOf(route.fallback) } : {}),
    ...(route.deadLetter ? { dead_letter: targetOf(route.deadLetter) } : {}),
    ...(route.orderBy === undefined ? {} : { order_by: route.orderBy }),
    timeout: durationText(route.timeoutMs),
    delivery: route.delivery,
    ...(route.transforms?.event === undefined ? {} : { transform: route.transforms.event }),
    ...(route.transforms?.reply === undefined ? {} : { reply_transform: route.transforms.reply }),
    ...controlsOf(route),
  }
}

const debounceIn = ({ maxWaitMs, waitMs, ...rest }: NonNullable<Controls['debounce']>): object => ({
  ...rest,
  wait: durationText(waitMs),
  ...(maxWaitMs === undefined ? {} : { max_wait: durationText(maxWaitMs) }),
})

const keyIn = ({ key }: { readonly key?: string }): object => (key === undefined ? {} : { key })

function controlsOf({
  concurrency: total,
  controls: { batch, breaker, concurrency, debounce, dedupe, delayMs, rate } = {},
}: Route): object {
  return {
    concurrency: concurrency ? { ...concurrency, total } : total,
    ...(delayMs === undefined ? {} : { delay: durationText(delayMs) }),
    ...(batch ? { batch: { max: batch.max, wait: durationText(batch.waitMs) } } : {}),
    ...(breaker ? { breaker: { failures: breaker.failures, open: durationText(breaker.openMs) } } : {}),
    ...(debounce ? { debounce: debounceIn(debounce) } : {}),
    ...(dedupe ? { dedupe: { key: dedupe.key, window: durationText(dedupe.windowMs) } } : {}),
    ...(rate ? { rate: { limit: rate.limit, per: durationText(rate.perMs), ...keyIn(rate) } } : {}),
  }
}

function fromText(from: From): string {
  switch (from.kind) {
    case 'any':
      return 'any'
    case 'mqtt':
      return `mqtt:${from.filter}`
    case 'http':
      return `http:${from.method} ${from.path}`
    case 'source':
      return from.address === undefined ? from.source : `${from.source}:${from.address}`
  }
}

const targetsOf = ({ to, weights }: Route): unknown =>
  weights ? Object.fromEntries(to.map(({ text }, at) => [text, weights[at]])) : to.map(targetOf)

const canaryOf = ({ autoPromote, autoRollback, minCalls, p99Ms, successRate }: Canary): object => ({
  success_rate: successRate,
  ...(p99Ms === undefined ? {} : { p99: durationText(p99Ms) }),
  min_calls: minCalls,
  auto_promote: autoPromote,
  auto_rollback: autoRollback,
})

const targetOf = (target: Target): unknown =>
  target.kind === 'mqtt' ? { mqtt: target.topic, mode: target.mode } : target.text

function retryOf(retry: RetryPolicy): unknown {
  return {
    max: retry.max,
    backoff: retry.backoff,
    delay: durationText(retry.delayMs),
    cap: durationText(retry.capMs),
    jitter: retry.jitter,
    ...(retry.maxAgeMs === undefined ? {} : { max_age: durationText(retry.maxAgeMs) }),
    except: retry.except,
  }
}

/** The waits before each re-try, in milliseconds; with full jitter each is the longest that it may be. */
export function retrySchedule({ max, backoff, delayMs, capMs }: RetryPolicy): readonly number[] {
  return Array.from({ length: max }, (_, at) => {
    const factor = backoff === 'exponential' ? 2 ** at : backoff === 'linear' ? at + 1 : 1
    return Math.min(capMs, delayMs * factor)
  })
}
