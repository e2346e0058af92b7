/** Components of `wasi:http/incoming-handler`: the event is a request, the response is the reply. */

import type { CloudEvent } from '../event/index.ts'
import { CoreCapture } from './exports.ts'
import { isRequest, requestOf } from './input.ts'
import type { FunctionCode, Instance, Instantiate, Notes } from './instance.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import { resetBudgets } from './wasi/budget.ts'
import { IncomingRequest, type OutgoingResponse, ResponseOutparam, type Variant } from './wasi/http.ts'
import { createWorld, type World } from './wasi/index.ts'
import { Wear } from './wear.ts'

/** What jco makes of the interface. */
interface Handler {
  readonly incomingHandler: { readonly handle: (request: IncomingRequest, out: ResponseOutparam) => void }
}

/** Used again and again, like a component of our own world: a fresh one costs 25 times as much as a call. */
export class HttpInstance implements Instance {
  readonly #world: World
  readonly #capture = new CoreCapture()
  readonly #handler: Handler
  readonly #wear: Wear

  constructor(code: FunctionCode, instantiate: Instantiate, { log, denied }: Notes) {
    this.#world = createWorld({ env: code.env, args: [code.name], log, denied })
    const link = (name: string) => code.modules.get(name)
    this.#handler = instantiate(link, this.#world.imports, this.#capture.instantiate) as Handler
    this.#wear = new Wear(this.bytes, code.memoryBytes)
  }

  get bytes(): number {
    return this.#capture.bytes
  }

  get worn(): boolean {
    return this.#wear.over(this.bytes)
  }

  get spent(): boolean {
    return false
  }

  renew(): void {}

  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    this.#wear.add()
    resetBudgets()
    const out = new ResponseOutparam()
    try {
      this.#handler.incomingHandler.handle(new IncomingRequest(requestOf(event, context)), out)
    } finally {
      this.#world.flush()
    }
    // One that answers nothing, or half, has stopped in the middle of something.
    if (!out.response?.whole) this.#wear.end()
    take(liftedOf(out, isRequest(event)))
  }
}

function liftedOf({ response, error }: ResponseOutparam, forCaller: boolean): Lifted {
  if (error) return failure(`its response is the error ${codeOf(error)}`, error.tag)
  if (!response) return failure('it returned without a response', 'no-response')
  if (!response.whole) return failure('it did not end its response', 'torn-response')
  const status = response.statusCode()
  const data = response.content?.kept.take() ?? new Uint8Array()
  // Whoever asks over HTTP gets what is answered; an event is handled, refused, or to be tried again.
  if (!forCaller && status >= 400) return refusalOf(status, data, response)
  const datacontenttype = response.fields.text('content-type')
  return { kind: 'response', reply: { data, datacontenttype, status }, events: [] }
}

/** Statuses below 500 that say that another attempt may do better. */
const PASSING = new Set([408, 425, 429])

function refusalOf(status: number, data: Uint8Array, { fields }: OutgoingResponse): Lifted {
  const text = Buffer.from(data.subarray(0, TEXT)).toString()
  const message = `status ${status}${text === '' ? '' : `: ${text}`}`
  if (status < 500 && !PASSING.has(status))
    return { kind: 'reject', fault: 'validation', code: `HTTP_${status}`, message }
  const after = /^\d{1,9}$/.exec(fields.text('retry-after') ?? '')
  return {
    kind: 'retry',
    message,
    afterMs: after ? Number(after[0]) * 1_000 : undefined,
    fingerprint: `http:${status}`,
  }
}

/** Bytes of a response that are told in an error. */
const TEXT = 500

const failure = (message: string, what: string): Lifted => ({
  kind: 'retry',
  message,
  afterMs: undefined,
  fingerprint: `http:${what}`,
})

const codeOf = ({ tag, val }: Variant): string => (typeof val === 'string' ? `${tag}: ${val.slice(0, TEXT)}` : tag)
