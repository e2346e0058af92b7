/** Responses of `wasi:http/types` to requests that a guest sent: one comes later, as a whole. */

import { HostError, type IncomingHttp } from '../host.ts'
import type { Port } from '../port.ts'
import { Fields } from './fields.ts'
import { IncomingBody, type Variant } from './http.ts'
import { Resource } from './resource.ts'
import { Pollable } from './streams.ts'

/** `wasi:http/types.incoming-response`. */
export class IncomingResponse extends Resource {
  readonly #response: IncomingHttp
  #consumed = false

  constructor(response: IncomingHttp) {
    super()
    this.#response = response
  }

  status(): number {
    return this.#response.status
  }

  headers(): Fields {
    return Fields.received(this.#response.headers)
  }

  consume(): IncomingBody {
    if (this.#consumed) throw undefined
    this.#consumed = true
    return new IncomingBody(this.#response.body)
  }
}

/** `wasi:http/types.future-incoming-response`. */
export class FutureIncomingResponse extends Resource {
  readonly #port: Port
  readonly #arrives: Promise<void>
  #settled: Variant | undefined
  #got = false

  constructor(port: Port, response: Promise<IncomingHttp>) {
    super()
    this.#port = port
    const came = response.then((one) => {
      this.keep(one.body.length)
      return one
    })
    this.#arrives = came.then(
      (one) => {
        this.#settled = { tag: 'ok', val: one }
      },
      (error: unknown) => {
        this.#settled = { tag: 'err', val: codeOf(error) }
      },
    )
  }

  subscribe(): Pollable {
    return new Arrival(this.#port, this.#arrives, () => this.#settled !== undefined)
  }

  /** `none` until it is there, `some(err)` after it was given. */
  get(): Variant | undefined {
    if (this.#got) return { tag: 'err', val: undefined }
    if (!this.#port.sees(this.#settled !== undefined) || !this.#settled) return undefined
    this.#got = true
    const { tag, val } = this.#settled
    return { tag: 'ok', val: tag === 'ok' ? { tag, val: new IncomingResponse(val as IncomingHttp) } : this.#settled }
  }
}

/** Ready when something has come. */
class Arrival extends Pollable {
  readonly #port: Port
  readonly #there: () => boolean
  override readonly arrives: Promise<void>

  constructor(port: Port, arrives: Promise<void>, there: () => boolean) {
    super(Number.POSITIVE_INFINITY)
    this.#port = port
    this.#there = there
    this.arrives = arrives
  }

  override ready(): boolean {
    return this.#port.sees(this.#there())
  }

  override block(): void | Promise<void> {
    if (!this.ready()) return this.#port.first([this.arrives], Number.POSITIVE_INFINITY)
  }
}

/** Codes that carry something, which is not told. */
const WITH_OPTION = new Set(['HTTP-request-body-size', 'HTTP-response-body-size', 'HTTP-response-header-section-size'])

function codeOf(error: unknown): Variant {
  if (!(error instanceof HostError)) return { tag: 'internal-error', val: undefined }
  const { kind, message } = error
  if (kind === 'internal-error') return { tag: kind, val: message }
  if (kind === 'unavailable') return { tag: 'internal-error', val: message }
  return WITH_OPTION.has(kind) ? { tag: kind, val: undefined } : { tag: kind }
}
