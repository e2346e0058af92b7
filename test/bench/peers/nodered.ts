/** Node-RED: an http-in flow that answers 202, and a flow of MQTT in, function, MQTT out on mosquitto. */

import { writeFileSync } from 'node:fs'
import { freePort, start } from '../child.ts'
import { broker } from './mosquitto.ts'
import { installed } from './npm.ts'
import { type Running, type Subject, scratch } from './subject.ts'

const TAB = { id: 'tab', type: 'tab', label: 'bench' }

const HTTP_FLOW = [
  TAB,
  { id: 'in', type: 'http in', z: 'tab', url: '/events', method: 'post', wires: [['set']] },
  {
    id: 'set',
    type: 'function',
    z: 'tab',
    outputs: 1,
    wires: [['out']],
    func: 'msg.payload = { ok: true }; return msg',
  },
  { id: 'out', type: 'http response', z: 'tab', statusCode: '202', headers: {}, wires: [] },
]

const mqttFlow = (port: number): object[] => [
  TAB,
  { id: 'br', type: 'mqtt-broker', broker: '127.0.0.1', port: String(port), protocolVersion: '4', keepalive: '60' },
  { id: 'in', type: 'mqtt in', z: 'tab', topic: 'req/#', qos: '1', datatype: 'buffer', broker: 'br', wires: [['set']] },
  {
    id: 'set',
    type: 'function',
    z: 'tab',
    outputs: 1,
    wires: [['out']],
    func: 'msg.topic = "rep" + msg.topic.slice(3); return msg',
  },
  { id: 'out', type: 'mqtt out', z: 'tab', topic: '', qos: '1', retain: 'false', broker: 'br', wires: [] },
]

async function nodeRed(flow: readonly object[]): Promise<Running & { readonly http: number }> {
  const red = installed('node-red', '5.0.7')
  const http = await freePort()
  const folder = scratch('node-red')
  writeFileSync(`${folder.path}/flows.json`, JSON.stringify(flow))
  const settings = {
    uiPort: http,
    uiHost: '127.0.0.1',
    flowFile: 'flows.json',
    httpAdminRoot: false,
    httpNodeRoot: '/',
  }
  const quiet = { logging: { console: { level: 'error' } }, telemetry: { enabled: false, updateNotification: false } }
  writeFileSync(`${folder.path}/settings.cjs`, `module.exports = ${JSON.stringify({ ...settings, ...quiet })}\n`)
  const args = [
    `${red}/node_modules/node-red/red.js`,
    '--userDir',
    folder.path,
    '--settings',
    `${folder.path}/settings.cjs`,
  ]
  const child = await start(process.execPath, args, { ports: [http] })
  const stop = async (): Promise<void> => {
    await child.stop()
    folder.remove()
  }
  return { http, ports: { http }, pids: [child.pid], stop }
}

export const nodeRedHttp: Subject = { name: 'Node-RED http-in', start: () => nodeRed(HTTP_FLOW) }

export const nodeRedMqtt: Subject = {
  name: 'Node-RED on mosquitto',
  async start() {
    const server = await broker()
    const red = await nodeRed(mqttFlow(server.mqtt))
    const stop = async (): Promise<void> => {
      await red.stop()
      await server.stop()
    }
    return { ports: server.ports, pids: [...server.pids, ...red.pids], stop }
  },
}
