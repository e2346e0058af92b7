/** A function that may wait for its host, in one worker: each of its calls has an instance to itself, and others run meanwhile. */

import { decodeEvent } from '../event/codec.ts'
import { versioned } from '../schema/version.ts'
import type { AnswerWriter, Fault } from './answer.ts'
import { CallLog } from './call-log.ts'
import { collectDiscarded, discarded } from './collect.ts'
import type { FunctionCode, Notes, SuspendingInstance } from './instance.ts'
import { deadlineOf, isKept, recordingOf, tapeOf } from './keep.ts'
import type { Lifted } from './lift.ts'
import { type MakeSuspending, suspendingMaker } from './make.ts'
import { type Line, Port } from './port.ts'
import type { Report } from './protocol.ts'
import { SharedTape, type TapeMemory } from './shared-tape.ts'
import type { Reel } from './tape.ts'
import { type Circumstances, faultOf, startFaultOf } from './trap.ts'
import { lateFault, WARM_UP, warmUpContext, writeAnswer } from './verdict.ts'
import { type Incoming, steady } from './wire.ts'

/** An instance, its way out, and what it writes. */
interface Seat {
  readonly instance: SuspendingInstance
  readonly port: Port
  readonly log: CallLog
  readonly reel: Reel
  readonly shared: SharedTape
}

/** Where answers go. */
export interface Answers extends Pick<AnswerWriter, 'error' | 'response'> {
  /** It is all there. */
  post(): void
}

export interface SuspendingParts {
  readonly line: Line
  readonly memory: TapeMemory
  readonly answers: Answers
  readonly report: (message: Report) => void
}

export class SuspendingResident {
  readonly #fn: number
  readonly #code: FunctionCode
  /** With its version. */
  readonly #name: string
  readonly #parts: SuspendingParts
  readonly #idle: Seat[] = []
  readonly #running = new Map<number, Seat>()
  #make: MakeSuspending | undefined
  /** How many instances are to be kept, whatever happens to them. */
  #wanted = 0
  #made = 0
  #reported = { count: 0, bytes: 0 }

  constructor(fn: number, code: FunctionCode, parts: SuspendingParts) {
    this.#fn = fn
    this.#code = code
    this.#name = versioned({ name: code.name, version: code.version || undefined })
    this.#parts = parts
  }

  /** Runs one call until it ends or waits; its answer is posted when it ends. Never throws. */
  begin(call: Incoming): void {
    const { answers, line } = this.#parts
    if (line.control.withdrawn(call.slot)) {
      line.left(call.slot)
      return
    }
    const cold = this.#idle.length === 0
    line.control.prepare(this.#fn)
    const fault = cold ? this.#start() : undefined
    line.control.end()
    if (!line.control.begin(call.slot)) {
      // Taken back while its instance was made, and perhaps run elsewhere on another.
      if (this.#count > this.#wanted) for (const { instance } of this.#idle.splice(-1)) discarded(instance.bytes)
      this.#tell()
      line.left(call.slot)
      return
    }
    const left = call.until - steady()
    const refusal = left <= 0 ? lateFault(this.#name) : fault
    const seat = refusal ? undefined : this.#idle.pop()
    if (seat) {
      this.#running.set(call.slot, seat)
      // Before the answer: room for a call elsewhere is counted by what is here.
      this.#tell()
      void this.#run(call, seat, left, cold)
      return
    }
    if (refusal) answers.error(call.slot, refusal, 0)
    line.control.end()
    this.#tell()
    answers.post()
  }

  /** Nobody waits for a call any more: its instance does not go on. */
  drop(slot: number): void {
    const seat = this.#running.get(slot)
    if (!seat) return
    this.#running.delete(slot)
    seat.port.drop()
    seat.shared.close()
    seat.instance.drop()
    seat.log.close()
    this.#tell()
    // Once it is unwound: it is no garbage before.
    setImmediate(() => {
      discarded(seat.instance.bytes)
      this.settle()
      collectDiscarded()
    })
  }

  /** Has this many instances from now on. Resolves to why not, when it could not make them. */
  async hold(count: number, warm: boolean): Promise<Fault | undefined> {
    this.#wanted = count
    const fault = warm && !this.#make ? await this.#warmUp() : undefined
    const extra = Math.max(0, this.#count - count)
    for (const { instance } of this.#idle.splice(0, extra)) discarded(instance.bytes)
    return fault ?? this.settle()
  }

  /** Makes what is missing, and reports what changed. */
  settle(): Fault | undefined {
    let fault: Fault | undefined
    while (!fault && this.#count < this.#wanted) fault = this.#start()
    this.#tell()
    return fault
  }

  get #count(): number {
    return this.#idle.length + this.#running.size
  }

  async #run(call: Incoming, seat: Seat, leftMs: number, cold: boolean): Promise<void> {
    const { answers, line } = this.#parts
    const { instance, log, port, shared } = seat
    const { name, version } = this.#code
    const deadlineMs = deadlineOf(this.#code, leftMs)
    const started = performance.now()
    let answered = false
    const take = (given: Lifted) => {
      const runMs = performance.now() - started
      const failed = writeAnswer(answers, given, {
        call,
        code: this.#code,
        name: this.#name,
        runMs,
        cold,
        memoryBytes: instance.bytes,
      })
      if (isKept(this.#code, failed)) this.#keep(seat, call, deadlineMs)
      answered = true
    }
    log.open(call.callId, call.slot)
    port.open(call)
    shared.open(call.slot, deadlineMs)
    let whole = false
    try {
      const context = { ...call, function: name, version, deadlineMs }
      await instance.wait(decodeEvent(call.event), context, take)
      whole = !instance.worn
    } catch (error) {
      if (port.dropped) return
      if (!answered) {
        this.#keep(seat, call, deadlineMs)
        const fault = faultOf(error, this.#circumstances(seat))
        answers.error(call.slot, fault, performance.now() - started, instance.bytes, cold)
      }
    }
    log.close()
    port.close()
    shared.close()
    line.control.end()
    this.#running.delete(call.slot)
    if (whole) this.#idle.push(seat)
    else discarded(instance.bytes)
    this.#tell()
    answers.post()
    this.settle()
  }

  #keep({ reel }: Seat, call: Incoming, deadlineMs: number): void {
    const recorded = reel.recorded()
    if (!recorded) return
    const recording = recordingOf(this.#code, recorded, { ...call, deadlineMs })
    this.#parts.report({ kind: 'recording', slot: call.slot, recording })
  }

  #start(): Fault | undefined {
    collectDiscarded()
    const log = new CallLog(this.#fn, this.#code.entry ?? { key: this.#name }, this.#parts.report)
    const shared = new SharedTape(this.#parts.memory)
    const reel = tapeOf(this.#code, shared)
    const port = new Port(this.#parts.line, reel)
    const notes: Notes = {
      log: (level, text) => log.write(level, text),
      denied: (what, wanted) => log.deny(what, wanted),
      port,
      reel: () => reel,
    }
    try {
      this.#make ??= suspendingMaker(this.#code)
      this.#idle.push({ instance: this.#make(notes), port, log, reel, shared })
      this.#made++
      return undefined
    } catch (error) {
      return startFaultOf(error, this.#circumstances(undefined))
    }
  }

  /** It reaches nothing, and so it does not wait: what it answers or traps with is nobody's business. */
  async #warmUp(): Promise<Fault | undefined> {
    const fault = this.#start()
    const seat = this.#idle.pop()
    if (fault || !seat) return fault
    try {
      const ended = seat.instance.wait(WARM_UP, warmUpContext(this.#code), () => {}).then(() => true)
      if (!(await Promise.race([ended, seat.port.stuck.promise]))) return undefined
      seat.reel.warmed()
      if (!seat.instance.worn) this.#idle.push(seat)
    } catch {}
    return undefined
  }

  #tell(): void {
    const count = this.#count
    const bytes = [...this.#idle, ...this.#running.values()].reduce((sum, { instance }) => sum + instance.bytes, 0)
    if (this.#made > 0 || count !== this.#reported.count || bytes !== this.#reported.bytes)
      this.#parts.report({ kind: 'instances', fn: this.#fn, count, bytes, made: this.#made })
    this.#reported = { count, bytes }
    this.#made = 0
  }

  #circumstances(seat: Seat | undefined): Circumstances {
    const { lastLine = '', complained = false } = seat?.log ?? {}
    const bytes = seat?.instance.bytes ?? 0
    return { name: this.#name, bytes, capBytes: this.#code.memoryBytes, lastLine, complained }
  }
}
