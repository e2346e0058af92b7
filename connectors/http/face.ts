/** The HTTP face on a free port before a gateway that is a few lines of memory: for tests of the face alone. */

import { connect, type Socket } from 'node:net'
import { memoryContext } from '#conformance'
import type { CallReply, CallState, Check, CloudEvent, GatewayError, Offer, Receipt } from '#connector'
import { httpConfig } from './config.ts'
import { HttpSource } from './source.ts'

export interface Emitted {
  readonly event: CloudEvent
  readonly offer: Offer | undefined
}

/** What the gateway behind the face does; tests change it as they go. */
export class Gateway {
  readonly emitted: Emitted[] = []
  readonly cancelled: string[] = []
  readonly waiting = new Map<string, (reply: CallReply) => void>()
  readonly calls = new Map<string, CallState>()
  functions = ['echo', 'resize', 'resize@2', 'desk/shout', 'desk/whisper']
  checks: readonly Check[] = []
  alive = true
  refusal: GatewayError | undefined
  /** What emit answers; may reject. */
  accept: (event: CloudEvent) => Promise<Partial<Receipt>> = async () => ({})
  /** Answers a call at once; without it `waiting` holds who waits. */
  reply: ((event: CloudEvent) => Omit<CallReply, 'callId'>) | undefined

  emit = async (event: CloudEvent, offer?: Offer): Promise<Receipt> => {
    this.emitted.push({ event, offer })
    const callId = String(event.extensions?.['callid'] ?? 'c1')
    const receipt = { callId, duplicate: false, routes: ['r'], ...(await this.accept(event)) }
    if (this.reply) this.waiting.get(callId)?.({ callId, ...this.reply(event) })
    return receipt
  }

  wait = (callId: string, signal: AbortSignal): Promise<CallReply> => {
    const { promise, resolve, reject } = Promise.withResolvers<CallReply>()
    this.waiting.set(callId, resolve)
    signal.addEventListener('abort', () => {
      this.waiting.delete(callId)
      reject(signal.reason)
    })
    return promise
  }

  /** The only event so far. */
  get event(): CloudEvent {
    const [first, second] = this.emitted
    if (!first || second) throw new Error(`${this.emitted.length} events were emitted, not one`)
    return first.event
  }
}

/** A started face; stops at the end of the `await using` scope. */
export class Face implements AsyncDisposable {
  readonly gateway = new Gateway()
  readonly source: HttpSource

  private constructor(config: object) {
    const { gateway } = this
    const context = memoryContext({
      name: 'http',
      credit: { refusal: () => gateway.refusal, wait: async () => {} },
      calls: {
        reply: gateway.wait,
        find: async (callId) => gateway.calls.get(callId),
        cancel: (callId) => void gateway.cancelled.push(callId),
        functions: () => gateway.functions,
      },
      health: { alive: () => gateway.alive, ready: async () => gateway.checks },
    })
    this.source = new HttpSource(httpConfig.parse({ listen: '127.0.0.1:0', drain: '50ms', ...config }), context)
  }

  static async open(config: object = {}): Promise<Face> {
    const face = new Face(config)
    await face.source.start(face.gateway.emit, new AbortController().signal)
    return face
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://${this.source.address}${path}`, init)
  }

  post(path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, { method: 'POST', body, headers })
  }

  /** Opens a bare socket and writes to it. */
  raw(text: string): Socket {
    const [host = '', port = ''] = this.source.address.split(':')
    const socket = connect({ host, port: Number(port) })
    socket.on('error', () => {})
    socket.write(text)
    return socket
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.source.stop()
  }
}

/** Resolves with all that the other side sent, once it closes the connection. */
export function received(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.once('close', () => resolve(text))
  return promise
}

/** Resolves once `check` holds; rejects after ten seconds. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A problem document, read loosely. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly checks?: readonly Check[]
}

/** Reads the problem document that a response is. */
export const problemOf = async (response: Response): Promise<Problem> => (await response.json()) as Problem
