/** The gateway under test: a child process with a configuration made for the bench, and data of its own. */

import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { type Child, freePort, start } from './child.ts'
import { type Folder, folderIn, type Running, type Subject, scratch } from './peers/subject.ts'

const ROOT = new URL('../../', import.meta.url).pathname

/** The small compiled function that answers each event with its own data. */
export const ECHO = `${ROOT}functions/echo/echo.wasm`
/** The example in JavaScript, on QuickJS. */
export const ORDER_SUMMARY = `${ROOT}functions/order-summary/order-summary.wasm`

export interface Ports {
  readonly mqtt: number
  readonly http: number
  readonly admin: number
}

/** Where the journal lies: on the disk of the repository, or on a memory file system, where a flush costs nothing. */
export type Place = 'disk' | 'memory'

/** A folder for the data of one gateway. */
export function dataFolder(place: Place): Folder {
  return place === 'disk' ? scratch('headgate') : folderIn('/dev/shm', 'headgate-bench')
}

/** Resolves once the gateway says that each route's whole way is open; rejects after `withinMs`. */
export async function gatewayReady(admin: number, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => undefined)
    const body = (await response?.text()) ?? 'nothing listens'
    if (response?.ok) return
    if (Date.now() > deadline) throw new Error(`the gateway is not ready: ${body.slice(0, 1_000)}`)
    await sleep(20)
  }
}

/** The parts of a configuration that a bench is about; what listens where is added. */
export type Config = Readonly<
  Partial<Record<'broker' | 'functions' | 'journal' | 'routes' | 'sinks' | 'sources', object>>
>

/** Writes the configuration into `folder` and starts the gateway; resolves once it listens. */
export async function launch(
  folder: string,
  ports: Ports,
  { broker, journal, ...config }: Config,
  env: NodeJS.ProcessEnv = {},
): Promise<Child> {
  const file = `${folder}/headgate.yaml`
  const listen = {
    broker: { listen: [`tcp://127.0.0.1:${ports.mqtt}`], ...broker },
    http: { listen: `127.0.0.1:${ports.http}` },
    admin: { listen: `127.0.0.1:${ports.admin}` },
    journal: { path: `${folder}/journal`, ...journal },
  }
  writeFileSync(file, stringify({ name: 'bench', ...listen, ...config }))
  const wanted = [ports.mqtt, ports.http, ports.admin]
  return start(process.execPath, [`${ROOT}bin/headgate.js`, 'run', file], { ports: wanted, cwd: folder, env })
}

/** Three free ports. */
export async function freePorts(): Promise<Ports> {
  return { mqtt: await freePort(), http: await freePort(), admin: await freePort() }
}

/**
 * A gateway with the parts of a configuration that a bench is about. `restarted` measures its second start: the first one
 * of a version compiles the functions, which leaves 40 MiB with the C library until the process ends.
 */
export function gateway(name: string, place: Place, config: Config, restarted = false): Subject {
  return {
    name,
    async start(): Promise<Running> {
      const data = dataFolder(place)
      const ports = await freePorts()
      try {
        if (restarted) await once(data.path, ports, config)
        const child = await launch(data.path, ports, config)
        await gatewayReady(ports.admin)
        const stop = async (): Promise<void> => {
          await child.stop()
          data.remove()
        }
        return { ports: { ...ports }, pids: [child.pid], stop }
      } catch (error) {
        data.remove()
        throw error
      }
    },
  }
}

async function once(folder: string, ports: Ports, config: Config): Promise<void> {
  const child = await launch(folder, ports, config)
  await gatewayReady(ports.admin)
  await child.stop()
}

/** Keeps every event; its one target is a topic to which nobody subscribes. */
export function acceptingGateway(): Subject {
  const to = 'mqtt:accepted'
  return gateway('headgate', 'disk', {
    routes: { published: { from: 'mqtt:accept/#', to }, posted: { from: 'http', to } },
  })
}

/** Runs `echo`: by its service topic, by POST /call/echo, and by a route on bench/echo. */
export function callingGateway(name: string, place: Place): Subject {
  return gateway(name, place, { functions: { echo: ECHO }, routes: { echo: { from: 'mqtt:bench/echo', to: 'echo' } } })
}
