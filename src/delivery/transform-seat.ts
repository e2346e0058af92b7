/** One process of transforms as the gateway sees it: one evaluation at a time, none longer than it may take. */

import { type ChildProcess, spawn } from 'node:child_process'
import { GatewayError } from '../errors.ts'
import type { Asked, Told, Trouble } from './transform-child.ts'
import { failure, type Job, stopping } from './transform-job.ts'

export interface SeatLimits {
  /** How long one evaluation may run, in milliseconds: what counts no time itself is ended with its process then. */
  readonly runMs: number
  /** Mebibytes of heap of the process. */
  readonly heapMb: number
}

/**
 * Not a thread: one allocation far beyond a thread's limit (`$pad("", 4e8)`) is a fatal error of V8, which aborts the
 * process that the thread is in.
 */
export class TransformSeat {
  readonly #limits: SeatLimits
  readonly #child: ChildProcess
  readonly #changed: () => void
  readonly #exited = Promise.withResolvers<void>()
  #job: Job | undefined
  #ready = false
  #timer: NodeJS.Timeout | undefined
  #ended = false

  /** `changed` is called when it has come free, and when it has ended. */
  constructor(limits: SeatLimits, changed: () => void) {
    this.#limits = limits
    this.#changed = changed
    const url = JSON.stringify(new URL('transform-child.ts', import.meta.url).href)
    // The compile cache keeps the stripped types.
    const boot = `require('node:module').enableCompileCache(); import(${url})`
    this.#child = spawn(process.execPath, [`--max-old-space-size=${limits.heapMb}`, '-e', boot, `${limits.runMs}`], {
      // Nothing of the host's environment.
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    })
    this.#child.unref()
    this.#rest()
    this.#child.on('message', (told: Told) => this.#told(told))
    this.#child.on('error', (error) => this.#died(error.message))
    this.#child.on('exit', (code, signal) => {
      this.#exited.resolve()
      this.#died(`it ended with ${signal ?? code}`, signal)
    })
  }

  get busy(): boolean {
    return this.#job !== undefined
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Begins an evaluation; only while it is not busy. */
  run(job: Job): void {
    this.#job = job
    this.#child.channel?.ref()
    if (this.#ready) this.#begin(job)
  }

  /** Ends the process. What runs is refused. Resolves once it has ended. */
  async end(): Promise<void> {
    const job = this.#leave()
    job?.reject(stopping(job.doing))
    // Whoever waits for this may have nothing else to do.
    this.#child.ref()
    this.#kill()
    if (this.#child.pid !== undefined) await this.#exited.promise
  }

  #begin(job: Job): void {
    this.#child.send(job.asked satisfies Asked, (error) => {
      if (error && this.#job === job) this.#died(error.message)
    })
    const { runMs } = this.#limits
    // What came while this process was itself held up is heard first.
    const late = (): void => {
      if (this.#job === job) this.#give({ message: `it ran for more than ${runMs} ms`, late: true })
    }
    this.#timer = setTimeout(() => setImmediate(late), runMs)
  }

  #told(told: Told): void {
    if (told === 'ready') {
      this.#ready = true
      if (this.#job) this.#begin(this.#job)
      return
    }
    const job = this.#leave()
    if ('made' in told) job?.resolve(told.made)
    else job?.reject(failure(told.trouble, job.doing))
    this.#changed()
  }

  #died(how: string, signal?: string | null): void {
    if (this.#ended) return
    // V8 gives up so when its heap is full.
    if (signal === 'SIGABRT') {
      this.#give({ message: `it took more than ${this.#limits.heapMb} MiB of memory` })
      return
    }
    const job = this.#leave()
    this.#kill()
    job?.reject(new GatewayError('INTERNAL', `${job.doing}: the process for it: ${how}`))
    this.#changed()
  }

  /** Gives the process up with what runs in it. */
  #give(trouble: Trouble): void {
    const job = this.#leave()
    this.#kill()
    job?.reject(failure(trouble, job.doing))
    this.#changed()
  }

  #leave(): Job | undefined {
    clearTimeout(this.#timer)
    this.#rest()
    const job = this.#job
    this.#job = undefined
    return job
  }

  /** One that has nothing to do keeps no program running. */
  #rest(): void {
    this.#child.channel?.unref()
  }

  #kill(): void {
    this.#ended = true
    this.#child.kill('SIGKILL')
  }
}
