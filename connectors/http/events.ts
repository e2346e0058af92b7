/** POST /events: CloudEvents in binary, structured or batch mode; and the webhook handshake. */

import { type CloudEvent, httpMode, parseHttpEvents, type Receipt, STRUCTURED_TYPE } from '#connector'
import { readBody } from './body.ts'
import { callIdHeader, type Exchange, send, sendJson } from './exchange.ts'
import { checkCallNames, traced } from './normalize.ts'
import type { Parts } from './parts.ts'
import { HttpProblem, toProblem } from './problem.ts'

const OFFER = { address: 'POST /events' }

/** 202 once every event of the request is durable. */
export async function postEvents(parts: Parts, exchange: Exchange): Promise<void> {
  const mode = httpMode(exchange.headers)
  if (mode === undefined || mode === 'unknown') throw unreadable(exchange)
  const body = await readBody(exchange, parts.config.body_limit)
  const events = parseHttpEvents(exchange.headers, body).map((event) =>
    traced(checkCallNames(event, parts.context), exchange.headers),
  )
  const [only] = events
  if (mode === 'batch' || only === undefined) return postBatch(parts, exchange, events)
  const receipt = await parts.emit(only, OFFER)
  sendJson(exchange, 202, accepted(receipt), callIdHeader(receipt.callId))
}

/** All of them are checked before the first is taken. One that is refused refuses the request: those taken are duplicates next time. */
async function postBatch(parts: Parts, exchange: Exchange, events: readonly CloudEvent[]): Promise<void> {
  const receipts: Receipt[] = []
  // No more at once than may be queued: a batch must not refuse itself.
  const width = parts.context.maxInFlight
  for (let at = 0; at < events.length; at += width) {
    const outcomes = await Promise.allSettled(events.slice(at, at + width).map((event) => parts.emit(event, OFFER)))
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') receipts.push(outcome.value)
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    if (refused) throw partly(toProblem(refused.reason), receipts.length, events.length)
  }
  sendJson(exchange, 202, receipts.map(accepted))
}

/** What a sender hears of an event that is durable; `routes` is empty when none took it, which is no error. */
const accepted = ({ callId, duplicate, repeated, routes }: Receipt) => ({
  callId,
  duplicate,
  routes,
  ...(repeated && { repeated }),
})

const partly = ({ status, code, message, headers }: HttpProblem, taken: number, all: number): HttpProblem =>
  new HttpProblem(
    status,
    code,
    `${message} (${taken} of ${all} events of the batch were accepted; send it again, they are known as duplicates)`,
    headers,
  )

function unreadable({ headers }: Exchange): HttpProblem {
  const contentType = headers['content-type']
  return new HttpProblem(
    415,
    'EVENT_INVALID',
    `no CloudEvent that is read here: content-type is ${contentType ?? 'missing'} and there are no ce- headers; send ${STRUCTURED_TYPE}, a batch, or binary mode with ce-specversion, ce-id, ce-source and ce-type`,
    { accept: 'application/cloudevents+json, application/cloudevents-batch+json' },
  )
}

/** OPTIONS /events. Web hooks for events 1.0, section 4: consent is the header, not the status. */
export function shakeHands({ config }: Parts, exchange: Exchange): void {
  const allow = { allow: 'OPTIONS, POST' }
  const origin = exchange.headers['webhook-request-origin']
  if (typeof origin !== 'string') {
    send(exchange, 204, allow)
    return
  }
  const { origins, rate } = config.webhook
  if (!origins.includes('*') && !origins.includes(origin.toLowerCase()))
    throw new HttpProblem(
      403,
      'EVENT_INVALID',
      `webhook origin "${origin}" is not allowed; add it to http.webhook.origins`,
    )
  const asked = exchange.headers['webhook-request-rate']
  send(exchange, 200, {
    ...allow,
    'webhook-allowed-origin': origins.includes('*') ? '*' : origin,
    ...(rate === undefined && asked === undefined ? {} : { 'webhook-allowed-rate': String(rate ?? '*') }),
  })
}
