/** The reference: every option, every error, every metric, each from the one place that defines it. */

import * as z from 'zod'
import { configSchema, sourceNames } from '../config/index.ts'
import type { Connector } from '../connector/connector.ts'
import { ERRORS } from '../errors.ts'
import { ALLOW_SECTIONS, functionConfig, POLICY_SECTIONS, policyConfig } from '../pool/config.ts'
import {
  CONTROL_SECTIONS,
  canaryConfig,
  filterConfig,
  retryConfig,
  routeConfig,
  TEST_SECTIONS,
  testConfig,
  testFile,
} from '../router/config.ts'
import { METRICS } from '../telemetry/names.ts'
import { eventSourcesReference } from './event-sources.ts'
import { manifestReference } from './manifests.ts'
import { type JsonSchema, optionTable } from './options.ts'

/** The editor's schema of the configuration, draft-07. */
export function editorSchema(connectors: readonly Connector[]): string {
  const schema = json(configSchema(connectors))
  return `${JSON.stringify({ title: 'Headgate configuration', ...schema }, null, 2)}\n`
}

/** The editor's schema of a `*.test.yaml`, draft-07. */
export const testsSchema = (): string => `${JSON.stringify({ title: 'Headgate tests', ...json(testFile) }, null, 2)}\n`

const json = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any', reused: 'inline' })

/** Of what may also be written short: the long form. */
const optionsOf = (schema: JsonSchema): JsonSchema =>
  schema.anyOf?.find((one): one is JsonSchema => typeof one === 'object' && one.type === 'object') ?? schema

/** `config/REFERENCE.md`. */
export function reference(connectors: readonly Connector[]): string {
  return [
    HEAD,
    ...sections(connectors),
    ...named(connectors),
    ...eventSourcesReference(),
    ...manifestReference(),
    errors(),
    metrics(),
  ].join('\n')
}

const HEAD = `# Reference

Written by \`npm run generate\`. Durations are written \`500ms\`, \`30s\`, \`5m\`, \`24h\`, \`7d\`; sizes \`512KiB\`, \`64MiB\`.
\`\${NAME}\` stands for an environment variable and \`\${file:path}\` for the contents of a file; neither is ever printed.
The paths of functions begin at the file that names them; the paths of data begin where the gateway is started.
`

/** The sections that are a mapping of options. */
function sections(connectors: readonly Connector[]): readonly string[] {
  const { properties = {} } = json(configSchema(connectors))
  return Object.entries(properties).flatMap(([name, part]) => {
    if (typeof part !== 'object') return []
    if (part.properties) return [`## ${name}\n`, `${part.description}\n`, optionTable(part)]
    return part.type === 'string' ? [`## ${name}\n`, `${part.description} Default: \`${String(part.default)}\`.\n`] : []
  })
}

/** The sections that hold names. */
function named(connectors: readonly Connector[]): readonly string[] {
  const list = (half: 'source' | 'sink'): string[] => {
    const found = connectors.filter(
      (connector) => connector[half] && !(half === 'source' && ['http', 'mqtt'].includes(connector.type)),
    )
    return found.length === 0
      ? ['None yet.\n']
      : found.map(({ type, summary }) => `- [\`${type}\`](../connectors/${type}/README.md): ${summary}\n`)
  }
  return [
    '## sources\n',
    '`sources.<name>.<technology>`. MQTT and HTTP are always there and have sections of their own.\n',
    ...list('source'),
    'Beside its technology a source takes:\n',
    optionTable(json(sourceNames)),
    '## sinks\n',
    '`sinks.<name>.<technology>`.\n',
    ...list('sink'),
    '## functions\n',
    '`functions.<name>` or `functions.<name>@<version>`: the path of a .wasm file, or these options. A name without a version means the newest one.\n',
    optionTable(optionsOf(json(functionConfig))),
    ...parts('allow', ALLOW_SECTIONS),
    '## policies\n',
    '`policies.<name>`: these options, or the path of a file that holds them, bare or as a Kubernetes ConfigMap does; a document of either kind beside the configuration stands here by its name, too. What is left out is not bounded.\n',
    optionTable(json(policyConfig)),
    ...parts('policies.<name>', POLICY_SECTIONS),
    '## services\n',
    '`services.<service>.<name>`: a function, `name` or `name@version`. Called at the topic `service/<service>`, where `body.function` of the envelope is `<name>`, and at `POST /call/<service>/<name>`.\n',
    '## routes\n',
    '`routes.<name>`.\n',
    optionTable(json(routeConfig)),
    '### canary\n',
    `${routeConfig.shape.canary.description}\n`,
    optionTable(json(canaryConfig)),
    '### filters\n',
    optionTable(json(filterConfig)),
    '### retry\n',
    optionTable(json(retryConfig)),
    ...Object.entries(CONTROL_SECTIONS).flatMap(([name, section]) => [`### ${name}\n`, optionTable(json(section))]),
    '### tests\n',
    'Under a route, or in a `*.test.yaml` beside the configuration: a list of tests, which may say `route`, too.\n',
    optionTable(json(testConfig)),
    ...Object.entries(TEST_SECTIONS).flatMap(([name, section]) => [`#### ${name}\n`, optionTable(json(section))]),
  ]
}

const parts = (of: string, sections: Readonly<Record<string, z.ZodType>>): readonly string[] =>
  Object.entries(sections).flatMap(([name, section]) => [`### ${of}.${name}\n`, optionTable(json(section))])

function errors(): string {
  const meaning = { retry: 'tried again', reject: 'dead letter at once', fatal: 'the gateway stops' }
  const rows = Object.entries(ERRORS).map(
    ([code, { disposition, type, summary }]) => `| \`${code}\` | ${meaning[disposition]} | ${type} | ${summary} |`,
  )
  return [
    '## Errors\n',
    '| Code | What becomes of the event | Type | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

function metrics(): string {
  const rows = Object.values(METRICS).map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  )
  return ['## Metrics\n', '| Name | Kind | Labels | Meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}
