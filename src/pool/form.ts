/** The output form `{ success, data, error, metadata }`: read in the worker in place of a reply, and completed there. */

import type { CloudEvent } from '../event/index.ts'
import { emittedIn, type Unfit } from './emitted.ts'
import { itemsIn } from './input.ts'
import { FAULTS, type FaultKind, type Lifted } from './lift.ts'

type Response = Lifted & { readonly kind: 'response' }
/** What is no success. */
export type Refusal = Exclude<Lifted, Response>

/** What became of one item of a batch. */
export type FormedItem = { readonly value: unknown } | Refusal

/** An answer in the form, completed; `items` when it tells what became of each item of a route's batch. */
export interface Formed extends Response {
  readonly items?: readonly FormedItem[]
}

/** What is known of a call beside its answer. */
export interface Ran {
  readonly event: CloudEvent
  readonly callId: string
  /** Of the function, without its version. */
  readonly name: string
  readonly runMs: number
  readonly memoryBytes: number
  readonly version: string
}

type Members = Readonly<Record<string, unknown>>

/** What errors are called: as callers hear them, and as functions say them. */
const KINDS: ReadonlyMap<string, FaultKind> = new Map([
  ...FAULTS.map((kind) => [kind, kind] as const),
  ['validationerror', 'validation'],
  ['businesslogicerror', 'business'],
  ['systemerror', 'system'],
  ['timeouterror', 'timeout'],
])
/** Of these the same input fails again; of all others it may not. */
const LASTING: ReadonlySet<FaultKind> = new Set(['validation', 'business'])
const JSON_TYPE = 'application/json'

/** Returns what an answer in the form says. One that is not in the form is refused: it would be again. */
export function formed(lifted: Response, ran: Ran): Formed | Refusal | Unfit {
  const { reply } = lifted
  if (reply === undefined) return lifted
  const form = parsed(reply.data)
  if (!isForm(form))
    return misfit('it answered something else than JSON with "success", as "output: outcome" says it does; return that')
  if (!form['success']) return refusalOf(form)
  const { events: listed, ...told } = form
  const events = listed === undefined || listed === null ? [] : emittedIn(reply.data, listed, (at) => idOf(ran, at))
  if ('kind' in events) return events
  const { status = reply.status } = told
  if (typeof status === 'number' && !isStatus(status))
    return misfit(`it answered with the "status" ${status}; a status is a whole number from 200 to 599`)
  const asked = itemsIn(ran.event)
  const metadata = {
    processing_time_ms: Math.round(ran.runMs * 1_000) / 1_000,
    memory_used_bytes: ran.memoryBytes,
    items_processed: asked?.count ?? 1,
    function_version: ran.version || null,
    ...(isObject(form['metadata']) ? form['metadata'] : {}),
  }
  const whole = { success: true, data: null, error: null, ...told, metadata }
  const items = asked?.batch ? itemsOf(told['data'], asked.count) : undefined
  const emitting = items?.findIndex((item) => 'value' in item && isEmitting(item.value)) ?? -1
  if (emitting >= 0) return misfit(`item ${emitting} of its "data" has "events"; answer with them beside "data"`)
  const data = Buffer.from(JSON.stringify(whole))
  return {
    ...lifted,
    reply: { data, datacontenttype: JSON_TYPE, status: typeof status === 'number' ? status : reply.status },
    events: [...lifted.events, ...events],
    ...(items && { items }),
  }
}

const misfit = (message: string): Refusal => ({ kind: 'reject', fault: 'system', code: 'OUTPUT_INVALID', message })

const isStatus = (status: number): boolean => Number.isInteger(status) && status >= 200 && status < 600

/** What an event is called that has no id: the same for each attempt of the same event, and of no other. */
const idOf = ({ callId, event, name }: Ran, at: number): string =>
  // The events of a batch come in another company when they are tried again; its id tells which they are.
  `${itemsIn(event)?.batch ? event.id : callId}/${name}/${at}`

/** What became of each item: only where there is one answer in the form for each. */
function itemsOf(data: unknown, count: number): readonly FormedItem[] | undefined {
  if (!Array.isArray(data) || data.length !== count || !data.every(isForm)) return undefined
  return data.map((each) => (each['success'] ? { value: each } : refusalOf(each)))
}

/**
 * The failure that a program wrote before it ended with a code that says `ended`: none where it wrote anything else.
 * What the failure leaves open is as the code has it.
 */
export function failureIn(written: Uint8Array, ended: FaultKind | undefined): Refusal | undefined {
  const form = written.length > FAILURE_BYTES ? undefined : parsed(written)
  return isForm(form) && !form['success'] && isObject(form['error']) ? refusalOf(form, ended) : undefined
}

/** A failure is a few words. */
const FAILURE_BYTES = 64 << 10

/**
 * The failure that an `error` is, which may be a text: validation and business are refused, all else is tried again,
 * unless it says `retryable` itself, or the program that wrote it `ended` as one that refuses.
 */
function refusalOf({ error }: Members, ended?: FaultKind): Refusal {
  const told: Members = isObject(error) ? error : {}
  const kind = KINDS.get(String(told['type'] ?? told['kind'] ?? '').toLowerCase())
  const code = textOf(told['code'])
  const said = textOf(error) ?? textOf(told['message'])
  const retryable = told['retryable']
  const decided = kind === undefined ? ended !== undefined : LASTING.has(kind)
  const lasting = typeof retryable === 'boolean' ? !retryable : decided
  const message = said ?? 'it answered "success": false, and not why'
  if (lasting) return { kind: 'reject', fault: kind ?? ended ?? 'system', code: code ?? 'NOT_DONE', message }
  const after = told['retry_after_ms']
  return {
    kind: 'retry',
    message: code === undefined ? message : `${code}: ${message}`,
    afterMs: typeof after === 'number' && after >= 0 ? Math.floor(after) : undefined,
    ...(code !== undefined && { fingerprint: `code:${code}` }),
  }
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isForm = (value: unknown): value is Members => isObject(value) && typeof value['success'] === 'boolean'

const isEmitting = (value: unknown): boolean => isObject(value) && Array.isArray(value['events'])

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString())
  } catch {
    return undefined
  }
}
