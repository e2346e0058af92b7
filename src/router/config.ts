/** Options of a route, as written in YAML. What the names in it stand for is settled where all names are known. */

import * as z from 'zod'
import { ERRORS } from '../errors.ts'
import { duration, nearest } from '../schema/index.ts'
import { canaryConfig } from './canary.ts'
import { controlOptions } from './controls.ts'
import { filterConfig } from './dialects.ts'
import { testConfig } from './tests.ts'

export { canaryConfig } from './canary.ts'
export { CONTROL_SECTIONS } from './controls.ts'
export {
  type Failing,
  type FileTestConfig,
  readFail,
  TEST_SECTIONS,
  type TestConfig,
  type TestEvent,
  testConfig,
  testFile,
} from './tests.ts'

const TYPES = ['ValidationError', 'BusinessLogicError', 'SystemError', 'TimeoutError']
const KNOWN = [...Object.keys(ERRORS), ...TYPES]

/** A code of ours, an error type, or a function's own code: only what looks like a misspelt one of ours is refused. */
const errorName = z.string().check((context) => {
  const close = KNOWN.includes(context.value) ? undefined : nearest(context.value, KNOWN)
  if (close)
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: `"${context.value}" is no error code or type; did you mean "${close}"?`,
    })
})

const retryCount = z.int().min(0).max(1_000)

const retryPolicy = z.strictObject({
  max: retryCount.default(3).describe('How often a delivery is tried again after its first attempt.'),
  backoff: z
    .enum(['exponential', 'linear', 'constant'])
    .default('exponential')
    .describe('How the wait grows: doubled each time, by `delay` each time, or not at all.'),
  delay: duration().prefault('1s').describe('The first wait.'),
  cap: duration().prefault('1m').describe('The longest wait.'),
  jitter: z
    .enum(['full', 'none'])
    .default('full')
    .describe('`full` waits a random time up to the computed one, so that many failures do not come back at once.'),
  max_age: duration().optional().describe('No attempt begins later than this after the event was accepted.'),
  except: z
    .array(errorName)
    .default([])
    .describe('Error codes or types that are not tried again, such as TimeoutError.'),
})

const mqttTarget = z.strictObject({
  mqtt: z.string().min(1).describe('The topic.'),
  mode: z
    .enum(['binary', 'structured'])
    .default('binary')
    .describe(
      '`binary`: data as payload, attributes as MQTT 5 user properties. `structured`: the CloudEvents JSON format.',
    ),
})

const target = z.union([z.string().min(1), mqttTarget])

const weights = z
  .record(z.string().min(1), z.int().min(0).max(1_000_000))
  .refine((given) => Object.values(given).some((weight) => weight > 0), 'one weight at least must be above 0')

export const routeConfig = z.strictObject({
  from: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(
      'Where events come from: a source, `mqtt:<topic filter>`, `http:<METHOD> <path>`, `http` (POST /events), `function:<name>` (what it emits), `program` (what an embedding program emits), `gateway` (what it decides of versions), `any`, or a list of these.',
    ),
  when: z
    .string()
    .optional()
    .describe(
      'A CEL condition over the attributes, `data` and `topic`. An event for which it cannot be evaluated is not taken.',
    ),
  filters: z
    .array(filterConfig)
    .optional()
    .describe(
      'Filters of the CloudEvents Subscriptions API, all of which must pass, beside `when`; each has one of the dialects below.',
    ),
  default: z
    .boolean()
    .default(false)
    .describe(
      'Whether the route takes just what no other route takes: of several such routes, each that takes an event gets it. It names where it takes from: `any` is refused, as it would take whatever a delivery publishes on a topic.',
    ),
  to: z
    .union([z.string().min(1), mqttTarget, weights, z.array(target).min(1)])
    .describe(
      'Where events go: a function (`name` or `name@version`), a sink, `mqtt:<topic>`, or a list; each is a delivery with its own retries. With weights, as in `{ resize@2: 90, resize@3: 10 }`, one of them gets an event: always the same for the same `order_by`, else `subject`, else `source` and `id`.',
    ),
  canary: canaryConfig
    .optional()
    .describe(
      'Watches the newest of the versions that `to` gives weights: good, it gets all of the events; bad, none any more, as soon as that is clear. What was counted and the decision outlive restarts; the decision holds until `to` names other versions or weights. It is logged, shown at `GET /metrics/canary`, and an event for routes with `from: gateway`.',
    ),
  retry: z
    .union([retryCount, retryPolicy])
    .prefault(3)
    .describe('How often a failed delivery is tried again: a number, or the options below.'),
  fallback: target
    .optional()
    .describe(
      'A function, a sink or `mqtt:<topic>` that gets what was given up, as it came in, before it becomes a dead letter: once, within another `timeout`, with the extensions `knativeerrordest`, `knativeerrorcode` and `knativeerrordata` that say what failed and why. If it succeeds the delivery is done, and a caller gets its answer; if it fails too, the dead letter names the error of the target first. Of a batch, each event goes there alone.',
    ),
  dead_letter: target
    .optional()
    .describe(
      'A sink or `mqtt:<topic>` that also gets a copy of what was given up. It is kept in the dead-letter store either way. Where the journal has no room for the whole event a second time, the copy has no data, and `deadletterbytes` says how many bytes they were.',
    ),
  order_by: z
    .string()
    .optional()
    .describe('A CEL expression; deliveries for which it gives the same value go one at a time, in order.'),
  ...controlOptions,
  transform: z
    .string()
    .optional()
    .describe(
      'A JSONata expression that makes the event that the targets get. It begins at the event in its JSON format: attributes and extensions at the top, beside `data` (parsed JSON, or text), or `data_base64` for other bytes. Its result has the same form: `data` are those that it names, or none; attributes that it does not name stay, and null takes one away. `$merge([$, {"subject": data.name}])` keeps all the rest. An evaluation may take a second, and make no more than `broker.limits.max_packet_size`, or than it was given. Each attempt begins at the event as it came in, which is also what is kept, copied to `dead_letter` and given to `fallback`.',
    ),
  reply_transform: z
    .string()
    .optional()
    .describe(
      'A JSONata expression that makes the body that a caller gets. It begins at the attributes of the event beside `data`, the body that the function answered; `$event` is the event as it came in, in its JSON format. Its result is the body: text stays text where the answer was text, everything else is JSON. Errors, and the answer of a `fallback`, stay as they are.',
    ),
  timeout: duration().prefault('30s').describe('How long one attempt may take.'),
  delivery: z
    .enum(['auto', 'durable', 'direct'])
    .default('auto')
    .describe(
      '`durable`: on disk before it is acknowledged. `direct`: at most once, lowest latency. `auto`: direct for an HTTP caller that waits and for QoS 0, durable for everything else.',
    ),
  tests: z
    .array(testConfig)
    .default([])
    .describe('What `headgate check` runs on a virtual clock: what comes in, and what must become of it.'),
})

export type RouteConfig = z.output<typeof routeConfig>
export type TargetConfig = z.output<typeof target>
export type RetryConfig = z.output<typeof retryPolicy>

/** The retry options, all with their defaults: a bare number sets `max`. */
export const retryOptions = (given: RouteConfig['retry']): RetryConfig =>
  typeof given === 'number' ? retryPolicy.parse({ max: given }) : given

export { filterConfig, readFilter } from './dialects.ts'

/** The schema of the retry options alone, for the reference. */
export const retryConfig = retryPolicy
