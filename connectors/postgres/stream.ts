/** The stream of changes from the slot: decoded, offered, and acknowledged once the gateway has them. */

import type { Pgoutput } from 'pg-logical-replication'
import type { Operation } from './config.ts'
import { clientConfig, close, type Target } from './connection.ts'
import { formatLsn, parseLsn } from './lsn.ts'
import { type Change, keyOf, normalize, type Row, type Table, type Transaction } from './normalize.ts'
import type { Offers } from './offers.ts'
import { type Open, Progress } from './progress.ts'
import type { Wanted } from './tables.ts'

type Relation = Pgoutput.MessageRelation
type RowMessage = Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete

export interface StreamParts {
  readonly name: string
  readonly target: Target
  readonly slot: string
  readonly publications: readonly string[]
  readonly tables: readonly Wanted[]
  readonly offers: Offers
  /** Where the slot stands. */
  readonly confirmed: bigint
  /** How often the server is told how far we are. Milliseconds. */
  readonly feedbackMs: number
  /** Resolves with the primary key of a table that the log does not tell. */
  keyOf(oid: number): Promise<readonly string[]>
  /** Whether everything that comes is to be left alone. */
  readonly signal: AbortSignal
}

/** A table as the log describes it, and what of it was asked for. */
interface Known {
  readonly table: Table
  readonly operations: ReadonlySet<Operation>
}

export class Stream {
  readonly #parts: StreamParts
  readonly #progress: Progress
  readonly #known = new WeakMap<Relation, Known>()
  readonly #ended = Promise.withResolvers<Error>()
  #received = 0
  #handled = 0
  #transaction: (Transaction & { readonly open: Open }) | undefined
  #index = 0
  #acknowledge: (lsn: string) => Promise<unknown> = async () => {}
  #close: () => Promise<void> = async () => {}
  #timer: NodeJS.Timeout | undefined

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#progress = new Progress(parts.confirmed)
  }

  /** Resolves with what ended it, when something has. */
  get ended(): Promise<Error> {
    return this.#ended.promise
  }

  /** When the oldest transaction that is not acknowledged was committed; null when there is none. Milliseconds since the epoch. */
  get oldest(): number | null {
    return this.#progress.oldest
  }

  /** Resolves once the server sends. Rejects with what it has to say, 55006 when somebody else reads the slot. */
  async start(): Promise<void> {
    const { target, slot, publications, feedbackMs } = this.#parts
    const { LogicalReplicationService } = await import('pg-logical-replication')
    const { config, cut } = clientConfig(target)
    // Its own acknowledgements lose changes: they name the end of what was received, and that as written and more.
    const service = new LogicalReplicationService(config, {
      acknowledge: { auto: false, timeoutSeconds: 0 },
      flowControl: { enabled: true },
    })
    const plugin = await this.#plugin(publications.map((name) => `"${name.replaceAll('"', '""')}"`))
    const { promise: started, resolve, reject } = Promise.withResolvers<void>()
    service.on('start', resolve)
    service.on('error', this.#ended.resolve)
    service.on('data', (_, message: Pgoutput.Message) => this.#take(message))
    service.on('heartbeat', (lsn, _, shouldRespond) => this.#heard(lsn, shouldRespond))
    this.#acknowledge = (lsn) => service.acknowledge(lsn)
    this.#close = () => close(service.destroy(), cut)
    // From where the slot stands: an object that has read before would go on after what it received last.
    const over = service.subscribe(plugin, slot, '0/0')
    over
      .then(() => new Error('the server ended the stream'), toError)
      .then((error) => {
        reject(error)
        this.#ended.resolve(error)
      })
    await started
    this.#timer = setInterval(() => this.acknowledge(), feedbackMs)
  }

  /** Tells the server how far we are. */
  acknowledge(): void {
    this.#acknowledge(formatLsn(this.#progress.safe)).catch(this.#ended.resolve)
  }

  /** Tells the server what was accepted, and ends. Emits that are under way are not waited for. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.acknowledge()
    this.#acknowledge = async () => {}
    await this.#close()
  }

  /** What it decodes is counted as it arrives, and its values stay as the server wrote them. */
  async #plugin(publicationNames: string[]) {
    const { PgoutputPlugin } = await import('pg-logical-replication')
    const received = () => {
      this.#received += 1
    }
    class Plugin extends PgoutputPlugin {
      override parse(buffer: Buffer): Pgoutput.Message {
        received()
        const message = super.parse(buffer)
        if (message.tag === 'relation') for (const column of message.columns) column.parser = asIs
        return message
      }
    }
    return new Plugin({ protoVersion: 1, publicationNames })
  }

  /** A keepalive: it comes past what is still queued here. */
  #heard(lsn: string, shouldRespond: boolean): void {
    const nothingLeft = this.#received === this.#handled && this.#transaction === undefined
    if (nothingLeft && !this.#parts.signal.aborted) this.#progress.passed(parseLsn(lsn))
    if (shouldRespond) this.acknowledge()
  }

  /** Never rejects and never throws: the library would go on with the next message. */
  #take(message: Pgoutput.Message): Promise<void> | undefined {
    if (this.#parts.signal.aborted) return undefined
    try {
      const later = this.#handle(message)
      if (later !== undefined) return later.then(this.#done, this.#failed)
      this.#handled += 1
    } catch (error) {
      this.#failed(error)
    }
    return undefined
  }

  readonly #done = (): void => {
    this.#handled += 1
  }

  readonly #failed = (error: unknown): void => this.#ended.resolve(toError(error))

  #handle(message: Pgoutput.Message): Promise<void> | undefined {
    switch (message.tag) {
      case 'begin':
        return this.#begin(message)
      case 'relation':
        return this.#learn(message)
      case 'insert':
      case 'update':
      case 'delete':
        return this.#changed(message)
      case 'truncate':
        return this.#truncated(message)
      case 'commit':
        return this.#commit()
      default:
        return undefined
    }
  }

  #begin({ commitLsn, commitTime, xid }: Pgoutput.MessageBegin): undefined {
    const committed = BigInt(commitTime.toString())
    const open = this.#progress.begin(commitLsn, committed)
    this.#index = 0
    // Of 32 bits without a sign.
    this.#transaction = { lsn: open.commitLsn, txId: xid >>> 0, committed, open }
  }

  #commit(): undefined {
    if (this.#transaction) this.#progress.commit(this.#transaction.open)
    this.#transaction = undefined
  }

  async #learn(relation: Relation): Promise<void> {
    const { columns, keyColumns, name, relationOid, replicaIdentity, schema } = relation
    // With the default identity the flags are those of the primary key; otherwise they are not, or not of it.
    const key = replicaIdentity === 'default' ? keyColumns : await this.#parts.keyOf(relationOid)
    const wanted = this.#parts.tables.find((table) => table.schema === schema && table.name === name)
    const table = { schema, name, key, columns: columns.map((column) => ({ name: column.name, oid: column.typeOid })) }
    this.#known.set(relation, { table, operations: wanted?.operations ?? new Set() })
  }

  #changed(message: RowMessage): Promise<void> | undefined {
    const before: Row | null = message.tag === 'insert' ? null : (message.old ?? message.key)
    const after: Row | null = message.tag === 'delete' ? null : message.new
    return this.#offer(message.relation, message.tag, before, after)
  }

  /** Comes after everything that came before it, and before everything that comes after. */
  async #truncated({ relations }: Pgoutput.MessageTruncate): Promise<void> {
    const { offers } = this.#parts
    await offers.drained()
    for (const relation of relations) if (relation) await this.#offer(relation, 'truncate', null, null)
    await offers.drained()
  }

  #offer(relation: Relation, op: Operation, before: Row | null, after: Row | null): Promise<void> | undefined {
    const known = this.#known.get(relation)
    const transaction = this.#transaction
    const index = this.#index++
    if (!transaction || !known?.operations.has(op)) return undefined
    const { open } = transaction
    const { table } = known
    const change: Change = { op, table, transaction, index, before, after }
    open.pending += 1
    const accepted = () => this.#progress.accepted(open)
    return this.#parts.offers.send({
      event: normalize(this.#parts.name, change),
      rows: rowsOf(known, before, after),
      accepted,
    })
  }
}

/** What a change must not overtake: those of the same row; without a key, those of the table, where rows change at all. */
function rowsOf({ table, operations }: Known, before: Row | null, after: Row | null): readonly string[] {
  const place = `${table.schema}.${table.name}`
  if (table.key.length === 0) return operations.has('update') || operations.has('delete') ? [place] : []
  const keys = [keyOf(table, before), keyOf(table, after)].filter((key) => key !== undefined)
  return keys[0] === keys[1] ? keys.slice(0, 1).map((key) => `${place}/${key}`) : keys.map((key) => `${place}/${key}`)
}

const asIs = (text: string): string => text
const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
