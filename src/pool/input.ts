/** What functions of the other interfaces get in place of our records: JSON to read, or an HTTP request. */

import { extension } from '../event/event.ts'
import { formatHttpBinary } from '../event/http.ts'
import type { CloudEvent } from '../event/index.ts'
import { asBuffer, formatJsonEvent } from '../event/json.ts'
import type { CallContext } from './lower.ts'
import type { Asked } from './wasi/http.ts'

/** The type of the event that a call of a function by its name is; its data are the parameters. */
const CALL = 'headgate.call'
/** The type of the event that a batch of a route is; its data are the events. */
const BATCH = 'headgate.batch'
/** The type of the event that a request to a route is; its subject is the path. */
const REQUEST = 'headgate.http.request'
const NONE = new Uint8Array()

/** True when somebody waits who speaks HTTP: the response is theirs, whatever its status. */
export const isRequest = ({ type }: CloudEvent): boolean => type === REQUEST

/** The parameters of a direct call, JSON, or a batch as `{ items, batch_id }`; undefined for any other event. */
export function parametersOf(event: CloudEvent, { parameters }: CallContext): Uint8Array | undefined {
  if (parameters !== undefined) return Buffer.from(parameters)
  if (event.type === BATCH && event.data) return Buffer.from(batchText(event, event.data))
  return event.type === CALL ? (event.data ?? Buffer.from('null')) : undefined
}

/** The same as text. */
export function parametersText(event: CloudEvent, context: CallContext): string | undefined {
  if (context.parameters !== undefined || !event.data) return context.parameters
  if (event.type === BATCH) return batchText(event, event.data)
  return event.type === CALL ? asBuffer(event.data).toString() : undefined
}

/** The id of a batch is the same when the same events are tried again. */
const batchText = ({ id }: CloudEvent, data: Uint8Array): string =>
  `{"items":${asBuffer(data).toString()},"batch_id":${JSON.stringify(id)}}`

/** How many items came in, and whether they are the batch of a route; undefined when no batch did. */
export function itemsIn(event: CloudEvent): { readonly count: number; readonly batch: boolean } | undefined {
  if (event.type === BATCH) return { count: Number(event.extensions?.['batchsize'] ?? 1), batch: true }
  if (event.type !== CALL || !event.data) return undefined
  const given = parsed(asBuffer(event.data).toString())
  if (typeof given !== 'object' || given === null || !('items' in given && 'batch_id' in given)) return undefined
  return Array.isArray(given.items) ? { count: given.items.length, batch: false } : undefined
}

/** Undefined for what is no JSON: an event of this type may come from anywhere. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a program reads: the parameters of a direct call, or the event in its JSON format. */
export const standardInput = (event: CloudEvent, context: CallContext): Uint8Array =>
  parametersOf(event, context) ?? formatJsonEvent(event)

/**
 * The request that an event is, in the binary mode of CloudEvents: one that came in as a request keeps its method, path
 * and query; everything else is a POST to /.
 */
export function requestOf(event: CloudEvent, context: CallContext): Asked {
  const { headers, body } = formatHttpBinary(event)
  const parameters = context.parameters === undefined ? undefined : Buffer.from(context.parameters)
  const data = parameters ?? body ?? NONE
  const trace = extension(event, 'traceparent')
  const query = extension(event, 'query')
  return {
    method: isRequest(event) ? (extension(event, 'method') ?? 'POST') : 'POST',
    path: isRequest(event) ? `${event.subject ?? '/'}${query === undefined ? '' : `?${query}`}` : '/',
    authority: AUTHORITY,
    headers: {
      host: AUTHORITY,
      'content-length': String(data.length),
      ...headers,
      ...(parameters && { 'content-type': 'application/json' }),
      'headgate-call-id': context.callId,
      'headgate-attempt': String(context.attempt),
      ...(trace !== undefined && { traceparent: trace }),
    },
    body: data,
  }
}

/** What handlers read as the host they are asked under: they have none. */
const AUTHORITY = 'headgate'
