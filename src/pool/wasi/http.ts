/** `wasi:http/types` of WASI 0.2, in memory: the request is there as a whole, the response is kept as a whole. */

import { HOST_LENGTH, PATH_LENGTH } from '../limits.ts'
import { lifting } from './budget.ts'
import { Fields } from './fields.ts'
import { Resource } from './resource.ts'
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
    this.keep(bytes.length)
    this.#bytes = bytes
  }

  static finish(body: IncomingBody): FutureTrailers {
    body.release()
    return new FutureTrailers()
  }

  stream(): InputStream {
    if (this.#streamed) nothing()
    this.#streamed = true
    const stream = new InputStream(this.#bytes)
    // It may outlive the body.
    stream.keep(this.#bytes.length)
    return stream
  }
}

class FutureTrailers extends Resource {
  #got = false

  subscribe(): Pollable {
    return new Pollable()
  }

  /** There are none: `some(ok(ok(none)))`, and after that `some(err)`. */
  get(): Variant {
    if (this.#got) return { tag: 'err' }
    this.#got = true
    return { tag: 'ok', val: { tag: 'ok', val: undefined } }
  }
}

class OutgoingBody extends Resource {
  readonly kept = new Kept((bytes) => this.#room(bytes))
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
    return new OutputStream(this.kept)
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]()
    if (!this.finished) this.ended?.(false)
  }

  /** A stream may outlive its body. */
  #room(bytes: number): void {
    if (this.finished || this.released) throw { tag: 'closed' }
    this.keep(bytes)
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

  /** With all that was handed over with it. */
  override release(): void {
    super.release()
    this.fields.release()
    this.content?.release()
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

const METHOD_LENGTH = 64

/** Throws for a text that is longer than any that is sent: it would be kept for as long as the guest likes. */
function kept<T>(value: T, most: number, text: unknown = value): () => T {
  lifting.reset()
  if (typeof text === 'string' && text.length > most) nothing()
  return () => value
}

/** A request: what it is set to is kept, so that a guest can read it back. */
export class OutgoingRequest extends Outgoing {
  method: () => Variant = () => ({ tag: 'get' })
  pathWithQuery: () => string | undefined = () => undefined
  scheme: () => Variant | undefined = () => undefined
  authority: () => string | undefined = () => undefined

  setMethod(method: Variant): void {
    this.method = kept(method, METHOD_LENGTH, method.val)
  }

  setPathWithQuery(path: string | undefined): void {
    this.pathWithQuery = kept(path, PATH_LENGTH)
  }

  setScheme(scheme: Variant | undefined): void {
    this.scheme = kept(scheme, METHOD_LENGTH, scheme?.val)
  }

  setAuthority(authority: string | undefined): void {
    this.authority = kept(authority, HOST_LENGTH + ':65535'.length)
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
    out.release()
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
