/** What callers may ask about their calls, and the note that one of them has gone away. */

import type { CallPort, CallReply, CallState } from '../connector/calls.ts'
import type { EventRecord, Journal } from '../journal/journal.ts'
import type { Reply } from '../reply/reply.ts'
import { replyOf } from './answer.ts'

/** Callers remembered as gone; the oldest is forgotten first. */
const REMEMBERED = 10_000

/** The replies, as far as callers wait for them. */
export interface Waiting {
  wait(callId: string, signal: AbortSignal): Promise<Reply>
}

export class Calls implements CallPort {
  readonly #journal: Pick<Journal, 'find'>
  readonly #replies: Waiting
  readonly #functions: () => readonly string[]
  readonly #gone = new Set<string>()

  /** `functions` are those that may be called by name now, `<service>/<name>` for those of a service. */
  constructor(journal: Pick<Journal, 'find'>, replies: Waiting, functions: () => readonly string[]) {
    this.#journal = journal
    this.#replies = replies
    this.#functions = functions
  }

  reply(callId: string, signal: AbortSignal): Promise<CallReply> {
    return this.#replies.wait(callId, signal)
  }

  async find(callId: string): Promise<CallState | undefined> {
    const record = await this.#journal.find({ callId })
    return record && toState(record)
  }

  cancel(callId: string): void {
    this.#gone.add(callId)
    if (this.#gone.size <= REMEMBERED) return
    for (const oldest of this.#gone) {
      this.#gone.delete(oldest)
      return
    }
  }

  /** Whether the caller has gone; what has begun is finished all the same. */
  cancelled(callId: string): boolean {
    return this.#gone.size > 0 && this.#gone.has(callId)
  }

  functions(): readonly string[] {
    return this.#functions()
  }
}

function toState(record: EventRecord): CallState {
  const answering = record.deliveries.find(({ answers }) => answers)
  const reply = replyOf(record)
  return {
    callId: record.callId,
    state: answering === undefined || answering.status === 'due' ? 'pending' : answering.status,
    acceptedAt: new Date(record.acceptedAt).toISOString(),
    attempts: answering?.attempts ?? 0,
    ...(reply ? { reply } : {}),
  }
}
