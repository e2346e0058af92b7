/** A function in one worker: its instances there, and what it writes while it runs. */

import { decodeEvent } from '../event/codec.ts'
// Not the index of the room: a worker has no use for schemas.
import { versioned } from '../schema/version.ts'
import type { AnswerWriter, Fault } from './answer.ts'
import { CallLog } from './call-log.ts'
import { collectDiscarded, discarded, touched } from './collect.ts'
import type { FunctionCode, Instance } from './instance.ts'
import { deadlineOf, isKept, recordingOf, tapeOf } from './keep.ts'
import type { Lifted } from './lift.ts'
import { type Make, maker } from './make.ts'
import type { Report } from './protocol.ts'
import { SharedTape, type TapeMemory } from './shared-tape.ts'
import { type Circumstances, faultOf, startFaultOf } from './trap.ts'
import { lateFault, WARM_UP, warmUpContext, writeAnswer } from './verdict.ts'
import { type Incoming, steady } from './wire.ts'

export class Resident {
  readonly #fn: number
  readonly #code: FunctionCode
  /** With its version. */
  readonly #name: string
  readonly #report: (message: Report) => void
  readonly #instances: Instance[] = []
  #make: Make | undefined
  /** How many instances are to be kept, whatever happens to them. */
  #wanted = 0
  #made = 0
  /** Bytes of an instance that nothing ran on yet. */
  #startBytes = 0
  /** True when the next call is the one that an instance was made for. */
  #fresh = false
  #refusal: Fault | undefined
  #reported = { count: 0, bytes: 0 }
  readonly #log: CallLog
  readonly #shared: SharedTape

  constructor(fn: number, code: FunctionCode, report: (message: Report) => void, memory: TapeMemory) {
    this.#fn = fn
    this.#code = code
    this.#name = versioned({ name: code.name, version: code.version || undefined })
    this.#report = report
    this.#log = new CallLog(fn, code.entry ?? { key: this.#name }, report)
    this.#shared = new SharedTape(memory)
  }

  /** True when there is no instance that may be called: `prepare` comes before `run` then. */
  get cold(): boolean {
    return this.#instances.at(-1)?.worn ?? true
  }

  /** Makes an instance for the call that comes next; when it cannot, that call is answered with why. */
  prepare(): Fault | undefined {
    this.#discard(this.#instances.splice(-1))
    this.#refusal = this.#start()
    this.#fresh = true
    // Before the answer: when that is there first, the function seems to have no instance, and room for one elsewhere.
    this.#tell()
    return this.#refusal
  }

  /** Runs one call and writes its answer. Never throws. */
  run(call: Incoming, writer: AnswerWriter): void {
    const left = call.until - steady()
    const refusal = left <= 0 ? lateFault(this.#name) : this.#refusal
    if (refusal) {
      this.#refusal = undefined
      writer.error(call.slot, refusal, 0)
      return
    }
    const cold = this.#fresh
    const deadlineMs = deadlineOf(this.#code, left)
    this.#fresh = false
    this.#log.open(call.callId, call.slot)
    this.#shared.open(call.slot, deadlineMs)
    const started = performance.now()
    const instance = this.#instances.at(-1)
    let answered = false
    const answer = (given: Lifted) => {
      const runMs = performance.now() - started
      const memoryBytes = instance?.bytes ?? 0
      const failed = writeAnswer(writer, given, { call, code: this.#code, name: this.#name, runMs, cold, memoryBytes })
      if (isKept(this.#code, failed)) this.#keep(instance, call, deadlineMs)
      answered = true
    }
    const fault = this.#call(call, deadlineMs, answer)
    if (fault && !answered) writer.error(call.slot, fault, performance.now() - started, instance?.bytes, cold)
    this.#shared.close()
    this.#log.close()
  }

  /** Has this many instances from now on. Returns why not, when it could not make them. */
  hold(count: number, warm: boolean): Fault | undefined {
    this.#wanted = count
    const fault = warm && !this.#make ? this.#warmUp() : undefined
    this.#discard(this.#instances.splice(count))
    return fault ?? this.settle()
  }

  /** True when there is something for `settle` to do. */
  get unsettled(): boolean {
    const { count, bytes } = this.#reported
    if (this.#made > 0 || this.#instances.length !== count || count < this.#wanted) return true
    return this.#bytes() !== bytes || this.#instances.some(({ worn, spent }) => worn || spent)
  }

  /**
   * Replaces instances that are worn or were discarded, and reports what changed. Called between arrays of calls.
   * Returns why not, when it could not make one; the next call tries again then.
   */
  settle(): Fault | undefined {
    const worn = this.#instances.findIndex((instance) => instance.worn)
    if (worn >= 0) this.#discard(this.#instances.splice(worn, 1))
    let fault = (worn >= 0 ? this.#start() : undefined) ?? this.#renew()
    while (!fault && this.#instances.length < this.#wanted) fault = this.#start()
    this.#tell()
    return fault
  }

  #discard(instances: readonly Instance[]): void {
    for (const { bytes } of instances) discarded(touched(bytes, this.#startBytes))
  }

  #tell(): void {
    const count = this.#instances.length
    const bytes = this.#bytes()
    if (this.#made > 0 || count !== this.#reported.count || bytes !== this.#reported.bytes)
      this.#report({ kind: 'instances', fn: this.#fn, count, bytes, made: this.#made })
    this.#reported = { count, bytes }
    this.#made = 0
  }

  #bytes(): number {
    return this.#instances.reduce((sum, instance) => sum + instance.bytes, 0)
  }

  #start(): Fault | undefined {
    collectDiscarded()
    try {
      this.#make ??= maker(this.#code, {
        log: (level, text) => this.#log.write(level, text),
        denied: (what, wanted) => this.#log.deny(what, wanted),
        reel: () => tapeOf(this.#code, this.#shared),
      })
      const instance = this.#make()
      this.#startBytes = instance.bytes
      this.#instances.push(instance)
      this.#made++
      return undefined
    } catch (error) {
      return startFaultOf(error, this.#circumstances(undefined))
    }
  }

  #renew(): Fault | undefined {
    try {
      for (const instance of this.#instances) if (instance.spent) instance.renew()
      return undefined
    } catch (error) {
      this.#instances.pop()
      return startFaultOf(error, this.#circumstances(undefined))
    }
  }

  #call(call: Incoming, deadlineMs: number, answer: (lifted: Lifted) => void): Fault | undefined {
    const instance = this.#instances.at(-1)
    if (!instance) return undefined
    const { name, version } = this.#code
    const context = { ...call, function: name, version, deadlineMs }
    try {
      instance.call(decodeEvent(call.event), context, answer)
      return undefined
    } catch (error) {
      this.#instances.pop()
      this.#discard([instance])
      this.#keep(instance, call, deadlineMs)
      return faultOf(error, this.#circumstances(instance))
    }
  }

  #keep(instance: Instance | undefined, call: Incoming, deadlineMs: number): void {
    const recorded = instance?.reel.recorded()
    if (!recorded) return
    const recording = recordingOf(this.#code, recorded, { ...call, deadlineMs })
    this.#report({ kind: 'recording', slot: call.slot, recording })
  }

  /** What the function answers, writes, or traps with here is nobody's business. */
  #warmUp(): Fault | undefined {
    const fault = this.#start()
    if (fault) return fault
    const context = warmUpContext(this.#code)
    try {
      // Twice where that tells whether it can be used again: nobody hears of it now.
      for (let times = this.#code.speaks === 'http' ? 2 : 1; times > 0; times--) {
        this.#instances.at(-1)?.call(WARM_UP, context, () => {})
        this.#instances.at(-1)?.reel.warmed()
      }
    } catch {
      this.#instances.pop()
    }
    return undefined
  }

  #circumstances(instance: Instance | undefined): Circumstances {
    const bytes = instance?.bytes ?? 0
    const { memoryBytes } = this.#code
    const { lastLine, complained } = this.#log
    return { name: this.#name, bytes, capBytes: memoryBytes, lastLine, complained }
  }
}
