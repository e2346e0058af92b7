/** Runs a source on a database and keeps what it emits, as a gateway would. */

import { MemoryLog, MemoryMeter, memoryContext } from '#conformance'
import type { CloudEvent, Context, Receipt, Source } from '#connector'
import { eventually } from '../../test/services/eventually.ts'
import connector from './index.ts'

/** The data of an event, read. */
export interface Data {
  readonly op: string
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly unchanged?: readonly string[]
  readonly source: Readonly<Record<string, unknown>>
}

export class Face implements AsyncDisposable {
  /** In the order of the offers, duplicates too. */
  readonly offered: CloudEvent[] = []
  /** By source and id. */
  readonly accepted = new Map<string, CloudEvent>()
  readonly log = new MemoryLog()
  readonly meter = new MemoryMeter()
  readonly context: Context
  /** Called with each event; what it throws, the gateway refuses. */
  accept: (event: CloudEvent) => Promise<void> | void = () => {}
  source: Source
  readonly #config: unknown

  constructor(config: unknown, own: Partial<Context> = {}) {
    this.#config = config
    this.context = memoryContext({ name: 'shop', log: this.log, meter: this.meter, ...own })
    this.source = this.#create()
  }

  static async open(config: unknown, own: Partial<Context> = {}): Promise<Face> {
    const face = new Face(config, own)
    await face.start()
    return face
  }

  start(): Promise<void> {
    return this.source.start(this.#emit, AbortSignal.timeout(20_000))
  }

  /** Stops, and starts another with the same context: what a restart of the gateway does. */
  async restart(): Promise<void> {
    await this.source.stop()
    this.source = this.#create()
    await this.start()
  }

  get events(): readonly CloudEvent[] {
    return [...this.accepted.values()]
  }

  /** Resolves once as many different events are accepted. */
  async has(count: number, withinMs = 20_000): Promise<readonly CloudEvent[]> {
    await eventually(() => this.accepted.size >= count, {
      what: `${count} events`,
      withinMs,
      detail: () => `${this.accepted.size}\n${this.told.join('\n')}`,
    })
    return this.events
  }

  /** Resolves once something like it is logged, with that. */
  async tells(pattern: RegExp, withinMs = 20_000): Promise<string> {
    const line = () => this.told.find((message) => pattern.test(message))
    return eventually(line, { what: `${pattern} is logged`, withinMs, detail: () => this.told.join('\n') })
  }

  get told(): readonly string[] {
    return this.log.lines.map(({ message }) => message)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.source.stop()
  }

  #create(): Source {
    const spec = connector.source
    if (!spec) throw new Error('no source')
    return spec.create(spec.config.parse(this.#config), this.context)
  }

  readonly #emit = async (event: CloudEvent): Promise<Receipt> => {
    this.offered.push(event)
    await this.accept(event)
    const name = `${event.source} ${event.id}`
    const duplicate = this.accepted.has(name)
    if (!duplicate) this.accepted.set(name, event)
    return { callId: name, duplicate, routes: ['all'] }
  }
}

export const dataOf = ({ data }: CloudEvent): Data => JSON.parse(textOf({ data: data ?? new Uint8Array() }))
export const textOf = ({ data }: { readonly data?: Uint8Array }): string => Buffer.from(data ?? []).toString()
