/** Components of `wasi:http/incoming-handler`: the event is a request, the response is the reply. */

import type { CloudEvent } from '../event/index.ts'
import { CoreCapture } from './exports.ts'
import { isRequest, requestOf } from './input.ts'
import type { FunctionCode, Instantiate, Notes, SuspendingInstance } from './instance.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import { type Reel, reelOf } from './tape.ts'
import { ResourceBudget, resetBudgets } from './wasi/budget.ts'
import { IncomingRequest, type OutgoingResponse, ResponseOutparam, type Variant } from './wasi/http.ts'
import { createWorld, type World } from './wasi/index.ts'

/** What jco makes of the interface. */
interface Handler {
  readonly incomingHandler: {
    readonly handle: (request: IncomingRequest, out: ResponseOutparam) => void | Promise<void>
  }
}

/** What came of one request. */
export interface Served {
  readonly lifted: Lifted
  /** False when it answered nothing, or half: it has stopped in the middle of something. */
  readonly whole: boolean
}

export class HttpGuest implements SuspendingInstance {
  readonly reel: Reel
  readonly #world: World
  readonly #capture = new CoreCapture()
  readonly #handler: Handler
  readonly #held = new ResourceBudget()
  /** One that may wait has one request: hosts of `wasi:http` make a copy for each. */
  worn = false

  constructor(code: FunctionCode, instantiate: Instantiate, notes: Notes) {
    this.reel = reelOf(notes)
    resetBudgets(this.#held)
    this.#world = createWorld({ ...code, ...notes, args: [code.name], senses: this.reel })
    const link = (name: string) => code.modules.get(name)
    this.#handler = instantiate(link, this.#world.imports, this.#capture.instantiate) as Handler
  }

  /** Bytes of linear memory. */
  get bytes(): number {
    return this.#capture.bytes
  }

  /** Throws what traps it. */
  serve(event: CloudEvent, context: CallContext): Served {
    this.reel.begin()
    resetBudgets(this.#held)
    const out = new ResponseOutparam()
    try {
      void this.#handler.incomingHandler.handle(new IncomingRequest(requestOf(event, context)), out)
    } finally {
      this.#world.flush()
    }
    const whole = out.error !== undefined || out.response?.whole === true
    const lifted = liftedOf(out, isRequest(event))
    out.response?.release()
    if (this.#held.worn) this.worn = true
    return { lifted, whole }
  }

  drop(): void {
    this.#world.flush()
  }

  async wait(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): Promise<void> {
    this.worn = true
    this.reel.begin()
    resetBudgets(this.#held)
    const out = new ResponseOutparam()
    try {
      await this.#handler.incomingHandler.handle(new IncomingRequest(requestOf(event, context)), out)
    } finally {
      this.#world.flush()
    }
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
