/** A worker thread: owns instances, runs the calls it is sent one after the other. The main thread can end it any time. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { AnswerWriter, type Fault } from './answer.ts'
import type { Dropped, Told } from './asking.ts'
import { collectDiscarded } from './collect.ts'
import { keepCompiled } from './compiled.ts'
import { Control } from './control.ts'
import { ARRAY_CALLS } from './limits.ts'
import { Line } from './port.ts'
import type { Hold, Report, ThreadData } from './protocol.ts'
import { Resident } from './resident.ts'
import { type Lent, TapeMemory } from './shared-tape.ts'
import { type Answers, SuspendingResident } from './suspending.ts'
import { decodeCalls } from './wire.ts'

/** In place of the number of an array, where the answer of a seat is posted. */
const NO_ARRAY = 255
/** Answers wait for the rest of their array no longer than this, in milliseconds. */
const PATIENCE_MS = 1

function serve(heard: MessagePort, data: ThreadData): void {
  const { port } = data
  const control = new Control(data.control)
  const report = (message: Report) => port.postMessage(message)
  const writer = new AnswerWriter(control)
  const line = new Line(control, (asked) => port.postMessage(asked))
  const answers: Answers = {
    response: (...answer) => writer.response(...answer),
    error: (...answer) => writer.error(...answer),
    post: () => post(NO_ARRAY, false),
  }
  const memory = new TapeMemory()
  const residents = data.functions.map((code, fn) =>
    code.suspends ? undefined : new Resident(fn, code, report, memory),
  )
  const suspending = data.functions.map((code, fn) =>
    code.suspends ? new SuspendingResident(fn, code, { line, memory, answers, report }) : undefined,
  )

  const post = (array: number, last: boolean) => {
    const buffer = writer.take(array, last)
    port.postMessage(buffer, [buffer])
  }

  const prepare = (fn: number, work: (resident: Resident) => Fault | undefined): Fault | undefined => {
    const resident = residents[fn]
    control.prepare(fn)
    const fault = resident && work(resident)
    control.end()
    return fault
  }

  const run = (message: Buffer) => {
    const touched = new Set<number>()
    let since = performance.now()
    let array = 0
    for (const call of decodeCalls(message)) {
      const waiting = suspending[call.fn]
      if (waiting) return waiting.begin(call)
      const now = performance.now()
      if (touched.size > 0 && now - since >= PATIENCE_MS) {
        post(array, false)
        since = now
      }
      array = Math.floor(call.slot / ARRAY_CALLS)
      const resident = residents[call.fn]
      if (!resident) continue
      // Making the first instance takes what it takes: it is not held against the timeout of the call.
      if (resident.cold) prepare(call.fn, (cold) => cold.prepare())
      if (!control.begin(call.slot)) continue
      resident.run(call, writer)
      control.end()
      touched.add(call.fn)
    }
    post(array, true)
    for (const fn of touched) {
      if (residents[fn]?.unsettled) prepare(fn, (resident) => resident.settle())
    }
    keepCompiled()
  }

  const hold = async ({ fn, count, warm }: Hold) => {
    control.prepare(fn)
    // What may wait does not when it is warmed up, so that nothing else runs meanwhile.
    const fault = residents[fn]?.hold(count, warm) ?? (await suspending[fn]?.hold(count, warm))
    control.end()
    report({ kind: 'held', fn, ...(fault && { fault }) })
    keepCompiled()
    collectDiscarded()
  }

  heard.on('message', (message: ArrayBuffer | Hold | Told | Dropped | Lent) => {
    if (message instanceof ArrayBuffer) run(Buffer.from(message))
    else if ('fn' in message) void hold(message)
    else if (message.kind === 'told') line.told(message)
    else if (message.kind === 'lent') memory.take(message)
    else for (const waiting of suspending) waiting?.drop(message.slot)
  })
  report({ kind: 'ready' })
}

// jco's code looks at process.env several times a call; in a worker that is a copy behind a lock, and no business of a
// guest's either.
process.env = {}
if (parentPort) serve(parentPort, workerData as ThreadData)
