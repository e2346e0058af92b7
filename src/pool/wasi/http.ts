/** `wasi:http/types` of WASI 0.2, in memory: the request is there as a whole, the response is kept as a whole. */

import { holding } from './budget.ts'
import { Fields } from './fields.ts'
import { InputStream, Kept, OutputStream, Pollable } from './streams.ts'

/** A variant or a result as jco passes it. */
export interface Variant {
  readonly tag: string
  readonly val?: unknown
}

/** A request as a guest is given it. */
export interface Asked {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly authority: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const METHODS = new Set(['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'])
const HTTP = { tag: 'HTTP' }

/** `result<_, _>`: an error without a value. */
const nothing = (): never => {
  throw undefined
}

export class Resource {
  constructor() {
    holding.take()
  }

  [Symbol.dispose](): void {
    holding.give()
  }
}

export class IncomingRequest extends Resource {
  readonly #asked: Asked
  #consumed = false

  constructor(asked: Asked) {
    super()
    this.#asked = asked
  }

  method(): Variant {
    const tag = this.#asked.method.toLowerCase()
    return METHODS.has(tag) ? { tag } : { tag: 'other', val: this.#asked.method }
  }

  pathWithQuery(): string {
    return this.#asked.path
  }

  scheme(): Variant {
    return HTTP
  }

  authority(): string {
    return this.#asked.authority
  }

  headers(): Fields {
    const headers = Object.entries(this.#asked.headers)
    return Fields.immutable(headers.map(([name, value]) => [name, Buffer.from(value, 'latin1')]))
  }

  consume(): IncomingBody {
    if (this.#consumed) nothing()
    this.#consumed = true
    return new IncomingBody(this.#asked.body)
  }
}

export class IncomingBody extends Resource {
  readonly #bytes: Uint8Array
  #streamed = false

  constructor(bytes: Uint8Array) {
    super()
    this.#bytes = bytes
  }

  static finish(): FutureTrailers {
    return new FutureTrailers()
  }

  stream(): InputStream {
    if (this.#streamed) nothing()
    this.#streamed = true
    return new InputStream(holding, this.#bytes)
  }
}

class FutureTrailers extends Resource {
  #got = false

  subscribe(): Pollable {
    return new Pollable(holding)
  }

  /** There are none: `some(ok(ok(none)))`, and after that `some(err)`. */
  get(): Variant {
    if (this.#got) return { tag: 'err' }
    this.#got = true
    return { tag: 'ok', val: { tag: 'ok', val: undefined } }
  }
}

class OutgoingBody extends Resource {
  readonly kept = new Kept()
  finished = false
  #written = false

  /** Told when it is whole, or dropped before it was. */
  ended: ((whole: boolean) => void) | undefined

  /** Trailers are dropped. */
  static finish(body: OutgoingBody): void {
    body.finished = true
    body.ended?.(true)
  }

  write(): OutputStream {
    if (this.#written) nothing()
    this.#written = true
    return new OutputStream(holding, this.kept)
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]()
    if (!this.finished) this.ended?.(false)
  }
}

/** A message that a guest makes. */
class Outgoing extends Resource {
  readonly fields: Fields
  content: OutgoingBody | undefined

  constructor(fields: Fields) {
    super()
    this.fields = fields
  }

  headers(): Fields {
    return Fields.immutable(this.fields.entries())
  }

  body(): OutgoingBody {
    if (this.content) nothing()
    this.content = new OutgoingBody()
    return this.content
  }
}

export class OutgoingResponse extends Outgoing {
  #status = 200

  /** False when it has begun a body and not ended it. */
  get whole(): boolean {
    return this.content === undefined || this.content.finished
  }

  statusCode(): number {
    return this.#status
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 599) nothing()
    this.#status = status
  }
}

/** A request: what it is set to is kept, so that a guest can read it back. */
export class OutgoingRequest extends Outgoing {
  method: () => Variant = () => ({ tag: 'get' })
  pathWithQuery: () => string | undefined = () => undefined
  scheme: () => Variant | undefined = () => undefined
  authority: () => string | undefined = () => undefined

  setMethod(method: Variant): void {
    this.method = () => method
  }

  setPathWithQuery(path: string | undefined): void {
    this.pathWithQuery = () => path
  }

  setScheme(scheme: Variant | undefined): void {
    this.scheme = () => scheme
  }

  setAuthority(authority: string | undefined): void {
    this.authority = () => authority
  }
}

class RequestOptions extends Resource {
  setConnectTimeout(): void {}
  setFirstByteTimeout(): void {}
  setBetweenBytesTimeout(): void {}
  connectTimeout(): undefined {}
  firstByteTimeout(): undefined {}
  betweenBytesTimeout(): undefined {}
}

/** Where a guest puts its response, or the error code that is there in its place. */
export class ResponseOutparam extends Resource {
  response: OutgoingResponse | undefined
  error: Variant | undefined

  static set(
    out: ResponseOutparam,
    { tag, val }: { readonly tag: string; readonly val: OutgoingResponse | Variant },
  ): void {
    if (tag === 'ok' && val instanceof OutgoingResponse) out.response = val
    else if (!(val instanceof OutgoingResponse)) out.error = val
  }
}

/** The interface, the same for every instance. */
export const HTTP_TYPES = {
  Fields,
  IncomingRequest,
  IncomingBody,
  FutureTrailers,
  OutgoingRequest,
  OutgoingResponse,
  OutgoingBody,
  ResponseOutparam,
  RequestOptions,
  httpErrorCode: () => undefined,
}
