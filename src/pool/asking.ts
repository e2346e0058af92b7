/** What guests ask of the gateway while they run, and what it tells them: one message each way, between two threads. */

import type { Answered, Change, IncomingHttp, KeyPage, Message, OutgoingHttp } from './host.ts'

/** Each question with its answer, by name. */
export interface Questions {
  'kv.get': { ask: { store: string; keys: readonly string[] }; answer: readonly (Uint8Array | undefined)[] }
  'kv.has': { ask: { store: string; key: string }; answer: boolean }
  'kv.write': { ask: { store: string; changes: readonly Change[] }; answer: undefined }
  'kv.keys': { ask: { store: string; cursor: string | undefined }; answer: KeyPage }
  'kv.increment': { ask: { store: string; key: string; by: bigint }; answer: bigint }
  'kv.swap': { ask: { store: string; key: string; was: Uint8Array | undefined; value: Uint8Array }; answer: boolean }
  'http.send': { ask: OutgoingHttp; answer: IncomingHttp }
  'messaging.publish': { ask: Message; answer: undefined }
  'messaging.request': { ask: { message: Message; timeoutMs: number | undefined }; answer: Answered }
  call: { ask: { name: string; parameters: string }; answer: Answered }
}

export type Question = keyof Questions

/** Sent by a worker. */
export interface Asked<Q extends Question = Question> {
  readonly kind: 'asked'
  /** Of the call that asks, and its callId: the slot may have another one by now. */
  readonly slot: number
  readonly callId: string
  readonly id: number
  readonly what: Q
  readonly ask: Questions[Q]['ask']
}

/** The answer to it. */
export interface Told {
  readonly kind: 'told'
  readonly id: number
  readonly answer?: Questions[Question]['answer']
  readonly problem?: { readonly kind: string; readonly message: string; readonly code?: string | undefined }
}

/** Sent by a worker in place of an answer: a call that was taken back came to its seat, which is free again. */
export interface Left {
  readonly kind: 'left'
  readonly slot: number
}

/** Tells a worker that nobody waits for a call any more: its instance is not to run again. */
export interface Dropped {
  readonly kind: 'dropped'
  readonly slot: number
}
