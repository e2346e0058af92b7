/** The configuration's schema, put together from the schema of each part. */

import * as z from 'zod'
import { adminConfig } from '../admin/config.ts'
import { brokerConfig } from '../broker/config.ts'
import type { Connector } from '../connector/connector.ts'
import { storeConfig } from '../host/config.ts'
import { journalConfig } from '../journal/config.ts'
import { functionConfig, policyConfig } from '../pool/config.ts'
import { routeConfig } from '../router/config.ts'
import { logConfig } from '../telemetry/config.ts'
import { eventSources } from './event-sources/index.ts'

/** Sources that are always there, once: what they take is said by the routes. */
export const BUILT_IN: readonly string[] = ['http', 'mqtt']

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/** A name given by the operator: it becomes part of addresses, topics and labels. */
const name = z.string().regex(NAME, {
  error: ({ input }) => `"${input}" is no name; use letters, digits, - and _, at most 64`,
})

/** One version of a function may stand beside others of it. */
const functionKey = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}(@[\w.-]{1,64})?$/, {
  error: ({ input }) =>
    `"${input}" is no name of a function; use letters, digits, - and _, at most 64, and perhaps @<version>`,
})

const named = <S extends z.ZodType>(schema: S, what: string) => z.record(name, schema).prefault({}).describe(what)

/** The parts of an instance: one key, which says its technology. */
const instance = (connectors: readonly Connector[], half: 'source' | 'sink') => {
  const technologies = Object.fromEntries(
    connectors
      .filter((connector) => connector[half] && !(half === 'source' && BUILT_IN.includes(connector.type)))
      .map((connector) => [connector.type, connector[half]?.config.optional().describe(connector.summary)]),
  ) as Record<string, z.ZodType>
  return z.strictObject(half === 'sink' ? technologies : { ...technologies, ...sourceNames.shape })
}

/** Beside the technology of a source. The attributes are checked with their expressions: those have a place in the text. */
export const sourceNames = z.strictObject({
  as: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'Attributes of what comes in that is not already a CloudEvent, each by a CEL expression over the event that the source makes of it: `{ type: data.type, subject: data.orderId }`. One that has no value stays as it was.',
    ),
})

/** The schema of a whole configuration, given the connectors there are: one for each list of them. */
export function configSchema(connectors: readonly Connector[]): ConfigSchema {
  const known = made.get(connectors)
  if (known) return known
  const schema = makeSchema(connectors)
  made.set(connectors, schema)
  return schema
}

const made = new WeakMap<readonly Connector[], ConfigSchema>()

function makeSchema(connectors: readonly Connector[]) {
  const http = connectors.find(({ type }) => type === 'http')?.source?.config
  return z.strictObject({
    name: name
      .prefault('headgate')
      .describe('What this gateway is called: `gateway` of each line of its log, where that is JSON.'),
    broker: brokerConfig.prefault({}).describe('The embedded MQTT broker.'),
    ...(http ? { http: http.prefault({}).describe('The HTTP face.') } : {}),
    admin: adminConfig.prefault({}).describe('Health, metrics and the control API.'),
    log: logConfig.prefault({}).describe('What is logged.'),
    journal: journalConfig.prefault({}).describe('Where accepted events are kept.'),
    stores: named(
      storeConfig,
      'Options of the key-value stores that functions are allowed by name; one without has the defaults, on disk.',
    ),
    sources: named(instance(connectors, 'source'), 'What events are received from, by a name of your choice.'),
    sinks: named(instance(connectors, 'sink'), 'What events are delivered to beside functions and topics, by name.'),
    functions: z
      .record(functionKey, functionConfig)
      .prefault({})
      .describe(
        'Functions, by name or `name@version`: the path of a .wasm file, or the options below. A name without a version means the newest one.',
      ),
    policies: z
      .record(name, z.union([z.string().min(1), policyConfig]))
      .prefault({})
      .describe(
        'What functions may have at most: under each name its limits, or the path of a file or of a Kubernetes ConfigMap that has them. Where the configuration is a folder, the files and ConfigMaps of policies in it stand here, too, each by its name.',
      ),
    services: named(
      z.record(name, z.string()),
      'Functions that are called at one address: `service/<name>`, where the envelope says which, and `POST /call/<name>/<function>`.',
    ),
    routes: named(routeConfig, 'Which events go where, by name.'),
    event_sources: eventSources.optional(),
  })
}

export type ConfigSchema = ReturnType<typeof makeSchema>
/** The configuration as its schema gives it: defaults filled in, names not yet settled. */
export type Sections = z.output<ConfigSchema>
