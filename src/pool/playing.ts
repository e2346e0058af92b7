/** Runs a recorded call again, on an instance that nothing ran on before, with what it was given then. */

import { decodeEvent } from '../event/codec.ts'
import type { CloudEvent } from '../event/index.ts'
import { versioned } from '../schema/version.ts'
import type { Fault } from './answer.ts'
import { CallLog } from './call-log.ts'
import { Control, FIRST_SEAT } from './control.ts'
import type { FunctionCode, Notes } from './instance.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import { suspendingMaker } from './make.ts'
import { Playback, type Step } from './playback.ts'
import { Line, Port } from './port.ts'
import { ModuleGuest } from './program.ts'
import type { Report } from './protocol.ts'
import type { Recording } from './recording.ts'
import { faultOf, framesOf } from './trap.ts'
import { WARM_UP, warmUpContext, writeAnswer } from './verdict.ts'

/** How it ended. */
export interface Played {
  readonly fault?: Fault | undefined
  readonly reply?: { readonly data: Uint8Array; readonly datacontenttype?: string | undefined } | undefined
  readonly events: readonly CloudEvent[]
  /** The functions of the guest that were on the stack when it trapped, the innermost first. */
  readonly frames?: readonly string[]
  /** True when it asked for what was not recorded, and was not told it. */
  readonly diverged: boolean
  /** What was recorded and not asked for. */
  readonly left: number
  readonly runMs: number
}

/** What a replay tells while it runs. */
export type Told = Step | Extract<Report, { kind: 'line' }>

/** A call of a guest, whether it may wait or not. */
type Call = (event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void) => void | Promise<void>

/** Everything at once that is known of one replay. */
export interface Playing {
  readonly code: FunctionCode
  readonly recording: Recording
  /** As `encodeEvent` wrote it. */
  readonly event: Uint8Array
}

type Ended = Omit<Played, 'diverged' | 'left' | 'runMs'>

/**
 * Resolves with what became of it; never rejects for what a guest does. Nothing of it reaches anything. `begun` is told
 * when the call itself begins.
 */
export async function play(playing: Playing, tell: (told: Told) => void, begun: () => void): Promise<Played> {
  const { code, recording, event } = playing
  const name = versioned({ name: code.name, version: code.version || undefined })
  const log = new CallLog(0, code.entry ?? { key: name }, (report) => report.kind === 'line' && tell(report))
  const senses = new Playback(recording, tell)
  const port = new Port(new Line(new Control(), () => {}), senses)
  const guest: { bytes: () => number; call?: Call } = { bytes: () => 0 }
  let ended: Ended = { events: [] }
  let started = performance.now()
  try {
    Object.assign(guest, made(code, notesOf(code, senses, log, port)))
    for (let times = recording.warmUps; times > 0; times--) await guest.call?.(WARM_UP, warmUpContext(code), () => {})
    log.open(recording.callId, FIRST_SEAT)
    port.open({ slot: FIRST_SEAT, callId: recording.callId })
    started = performance.now()
    begun()
    await guest.call?.(decodeEvent(event), contextOf(playing), (lifted) => {
      ended = answerOf(lifted, playing, name, guest.bytes())
    })
  } catch (error) {
    const { lastLine, complained } = log
    const known = { name, bytes: guest.bytes(), capBytes: code.memoryBytes, lastLine, complained }
    ended = { events: [], fault: faultOf(error, known), frames: framesOf(error) }
  }
  log.close()
  return { ...ended, diverged: senses.diverged, left: senses.left, runMs: performance.now() - started }
}

const notesOf = (code: FunctionCode, senses: Playback, log: CallLog, port: Port): Notes => ({
  log: (level, text) => log.write(level, text),
  denied: (what, wanted) => log.deny(what, wanted),
  reel: () => senses,
  ...(code.suspends && { port }),
})

function contextOf({ code, recording }: Playing): CallContext {
  const { callId, attempt, deadlineMs, parameters } = recording
  return { callId, attempt, deadlineMs, parameters, function: code.name, version: code.version }
}

/** What an answer means, read as the pool reads it; its bytes are the guest's. */
function answerOf(lifted: Lifted, playing: Playing, name: string, memoryBytes: number): Ended {
  const { code, event } = playing
  const call = { slot: 0, fn: 0, until: 0, event, ...contextOf(playing) }
  let ended: Ended = { events: [] }
  const writer: Parameters<typeof writeAnswer>[0] = {
    error(_slot, fault) {
      ended = { ...ended, fault }
    },
    response(_slot, { reply, events }) {
      ended = { ...ended, events, reply: reply && { ...reply, data: reply.data.slice() } }
    },
  }
  writeAnswer(writer, lifted, { call, code, name, runMs: 0, cold: true, memoryBytes })
  return ended
}

/** One copy, whatever interface it speaks. */
function made(code: FunctionCode, notes: Notes): { readonly call: Call; readonly bytes: () => number } {
  if (code.speaks === 'wasip1') {
    const guest = new ModuleGuest(code, notes)
    return { call: (...call) => guest.call(...call), bytes: () => guest.bytes }
  }
  const guest = suspendingMaker(code)(notes)
  return { call: (...call) => guest.wait(...call), bytes: () => guest.bytes }
}
