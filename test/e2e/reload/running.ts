/** A gateway that tests of reloads and versions run: what it tried, what it logged, what its admin listener says. */

import { beforeEach } from 'vitest'
import { type CloudEvent, type CreateOptions, createGateway, type EmbeddedGateway } from '../../../src/index.ts'
import { eventually } from '../../services/eventually.ts'
import { scratch } from '../cli/gateway.ts'

/** Of the tests of one file: removed when they are over. */
export const folder = scratch()

const data = new Map<string, string>()
beforeEach(() => data.clear())

/** Where the gateway of a name has its data: the same for as long as one try of a test lasts, and empty before it. */
export function dataOf(name: string): string {
  const path = data.get(name) ?? folder.fresh(name)
  data.set(name, path)
  return path
}

export interface Tried {
  readonly id: string
  readonly to: string
  readonly outcome: string
}

/** One gateway, embedded, and what was tried in it. */
export class Running implements AsyncDisposable {
  readonly tried: Tried[] = []
  readonly warned: string[] = []
  /** What the gateway itself told of, and a route took. */
  readonly told: CloudEvent[] = []
  readonly gateway: EmbeddedGateway
  readonly #data: string

  private constructor(gateway: EmbeddedGateway, data: string, warned: string[]) {
    this.gateway = gateway
    this.#data = data
    this.warned = warned
    gateway.watch((activity) => {
      if (activity.kind === 'accepted' && activity.origin.source === 'gateway') this.told.push(activity.event)
      if (activity.kind === 'settled')
        this.tried.push({ id: activity.event.id, to: activity.to, outcome: activity.outcome })
    })
  }

  static async open(name: string, rest: string, options: CreateOptions = {}): Promise<Running> {
    const data = dataOf(name)
    const warned: string[] = []
    const log = { debug() {}, info() {}, warn: (_: object, text: string) => void warned.push(text), error() {} }
    const running = new Running(await createGateway({ yaml: yamlIn(data, rest) }, { ...options, log }), data, warned)
    await running.gateway.start()
    return running
  }

  reload = (rest: string) => this.gateway.reload({ yaml: yamlIn(this.#data, rest) })
  emit = (id: string, type: string, rest: object = {}) =>
    this.gateway.emit({ specversion: '1.0', id, source: '/test', type, ...rest })
  /** The targets that an event was tried at so far. */
  at = (id: string): readonly string[] => this.tried.filter((one) => one.id === id).map(({ to }) => to)
  done = (id: string): Promise<unknown> =>
    eventually(() => this.tried.some((one) => one.id === id && one.outcome !== 'retry'), {
      what: `${id} is settled`,
      withinMs: 30_000,
    })
  admin = async (path: string, body?: object): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`${this.gateway.addresses.get('admin')}${path}`, init)
    const text = await response.text()
    return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
  };

  [Symbol.asyncDispose] = (): Promise<void> => this.gateway.stop()
}

/** A configuration on free ports, with its data in a folder of its own. */
export const yamlIn = (data: string, rest: string): string => `
broker: { listen: ["tcp://127.0.0.1:0"], path: ${data}/broker }
http: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
journal: { path: ${data}/journal }
log: { level: error }
${rest}`
