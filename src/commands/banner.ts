/** What `run` says once the gateway is up: where it listens, what it does, and what to try. */

import manifest from '../../package.json' with { type: 'json' }
import type { Route } from '../router/route.ts'
import { readVersioned } from '../schema/index.ts'
import { sentence } from './sentence.ts'
import { columns, counted, type Paint } from './terminal.ts'

export interface Up {
  readonly config: {
    readonly name: string
    readonly routes: readonly Route[]
    readonly callable: readonly string[]
    readonly journal: { readonly path: string }
  }
  /** The file that was read. */
  readonly path: string
  /** What listens where, by the name of the part. */
  readonly addresses: ReadonlyMap<string, string>
}

/** The lines, in the order they are read: is it up, where, what does it do, what now. */
export function banner(up: Up, paint: Paint): readonly string[] {
  const { addresses, config, path } = up
  const parts = new Set([...Object.keys(LABELS), ...addresses.keys()])
  const listens = [...parts].flatMap((part) => {
    const address = addresses.get(part)
    return address === undefined ? [] : [[LABELS[part] ?? part, address]]
  })
  return [
    `${paint('bold', `headgate ${manifest.version}`)} runs "${config.name}" of ${path}`,
    '',
    ...indent(columns([...listens, ['journal', config.journal.path]])),
    '',
    ...routeLines(config, paint),
    ...tryLines(up, paint),
  ]
}

/** In the order in which they are shown; a source that listens as well comes after them, by its own name. */
const LABELS: Readonly<Record<string, string>> = {
  mqtt: 'MQTT',
  ws: 'MQTT over WebSocket',
  http: 'HTTP',
  admin: 'health, metrics, control',
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`)

function routeLines({ callable, routes }: Up['config'], paint: Paint): readonly string[] {
  const rows = routes.map((route) => [paint('cyan', route.name), sentence(route, paint)])
  return [
    ...(rows.length === 0 ? [] : [paint('bold', counted(rows.length, 'route')), ...indent(columns(rows)), '']),
    ...(callable.length === 0
      ? []
      : [
          paint(
            'bold',
            `${counted(new Set(callable.map((each) => readVersioned(each).name)).size, 'function')} to call`,
          ),
          `  ${callable.join(', ')}`,
          '',
        ]),
  ]
}

const DATA = '{"hello":"world"}'

/** A call that needs nothing but this program, then the same with curl, then one over MQTT. */
function tryLines({ addresses, config }: Up, paint: Paint): readonly string[] {
  // The function made for it, when it is there: others may want data of their own kind.
  const name = config.callable.includes('echo') ? 'echo' : config.callable[0]
  if (name === undefined) return []
  const http = addresses.get('http')
  const mqtt = addresses.get('mqtt')
  const lines = [
    ...(http === undefined ? [] : overHttp(http, name)),
    ...(mqtt === undefined ? [] : overMqtt(new URL(mqtt), name)),
  ]
  return [paint('bold', 'try, in another terminal'), ...indent(lines)]
}

function overHttp(http: string, name: string): readonly string[] {
  const flag = http === 'http://127.0.0.1:8080' ? '' : ` --http ${http.replace('http://', '')}`
  return [
    `npx headgate call ${name}${flag} --data '${DATA}'`,
    `curl -H 'content-type: application/json' -d '${DATA}' ${http}/call/${name}`,
  ]
}

/** mosquitto_rr subscribes to the reply topic before it publishes, so the reply cannot be missed. */
const overMqtt = ({ hostname, port }: URL, name: string): readonly string[] => [
  `mosquitto_rr -V 5 -h ${hostname}${port === '1883' ? '' : ` -p ${port}`} -t service/${name} -e replies/me -m '${DATA}'`,
]
