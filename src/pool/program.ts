/** Programs: wasip1 modules and components of `wasi:cli/command`. Standard input is the event, standard output the reply. */

import type { CloudEvent } from '../event/index.ts'
import { PROGRAM } from './component.ts'
import { CoreCapture, isFunction } from './exports.ts'
import type { Guest } from './fresh.ts'
import { standardInput } from './input.ts'
import type { FunctionCode, Instantiate, Notes, SuspendingInstance } from './instance.ts'
import { PREVIEW1 } from './interface.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import { outcomeOf } from './outcome.ts'
import { type Reel, reelOf } from './tape.ts'
import { tells } from './trap.ts'
import { resetBudgets } from './wasi/budget.ts'
import { ExitError } from './wasi/exit.ts'
import { createWorld, type Outside, type World } from './wasi/index.ts'
import { Preview1 } from './wasi/preview1.ts'
import { Kept } from './wasi/streams.ts'

/** The environment variable that tells a program of the form that it is to answer in, where that is not `plain`. */
const OUTPUT = 'HEADGATE_OUTPUT'

/** The streams of one run of a program. */
class Streams {
  readonly reel: Reel
  readonly outside: Outside
  readonly #kept = new Kept()
  #stdin: Uint8Array = new Uint8Array()
  #lastLine = ''

  constructor(code: FunctionCode, notes: Notes) {
    this.reel = reelOf(notes)
    this.outside = {
      ...code,
      ...notes,
      // So that an author's kit answers as it is asked to, and says so when it cannot.
      ...(code.output && { env: { ...code.env, [OUTPUT]: code.output } }),
      senses: this.reel,
      args: [code.name],
      stdin: () => this.#stdin,
      stdout: this.#kept,
      log: (level, text) => {
        if (tells(text)) this.#lastLine = text
        notes.log(level, text)
      },
    }
  }

  /** Runs it, and returns what its end means. Throws what traps it. */
  run(event: CloudEvent, context: CallContext, main: () => boolean, flush: () => void): Lifted {
    this.#begin(event, context)
    let status = 0
    try {
      if (!main()) status = 1
    } catch (error) {
      status = statusOf(error)
    } finally {
      flush()
    }
    return this.#outcome(status)
  }

  /** The same for a program that may wait. */
  async wait(
    event: CloudEvent,
    context: CallContext,
    main: () => Promise<boolean>,
    flush: () => void,
  ): Promise<Lifted> {
    this.#begin(event, context)
    let status = 0
    try {
      if (!(await main())) status = 1
    } catch (error) {
      status = statusOf(error)
    } finally {
      flush()
    }
    return this.#outcome(status)
  }

  #begin(event: CloudEvent, context: CallContext): void {
    this.#stdin = standardInput(event, context)
    this.reel.begin()
    resetBudgets()
  }

  #outcome(status: number): Lifted {
    return outcomeOf(status, this.#kept.take(), this.#lastLine)
  }
}

/** The status that a program ended with by itself; throws what trapped it. */
function statusOf(thrown: unknown): number {
  if (!(thrown instanceof ExitError)) throw thrown
  return thrown.status
}

/** A core module with `_start`, on our own host of WASI preview 1. */
export class ModuleGuest implements Guest {
  readonly #streams: Streams
  readonly #host: Preview1
  readonly #memory: WebAssembly.Memory | undefined
  readonly #start: () => unknown

  constructor(code: FunctionCode, notes: Notes) {
    this.#streams = new Streams(code, notes)
    this.#host = new Preview1(this.#streams.outside)
    const module = code.modules.get(PROGRAM)
    if (!module) throw new TypeError('the module is missing')
    const names = WebAssembly.Module.imports(module).map(({ name }) => name)
    const imports = Object.fromEntries(names.map((name) => [name, this.#host.imported(name)]))
    const { exports } = new WebAssembly.Instance(module, { [PREVIEW1]: imports })
    this.#memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory)
    if (this.#memory) this.#host.memory.bind(this.#memory)
    const start = exports['_start']
    this.#start = isFunction(start) ? start : () => undefined
  }

  get reel(): Reel {
    return this.#streams.reel
  }

  get bytes(): number {
    return this.#memory?.buffer.byteLength ?? 0
  }

  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    const main = () => {
      this.#start()
      return true
    }
    take(this.#streams.run(event, context, main, () => this.#host.flush()))
  }
}

/** What jco makes of `wasi:cli/run`; `run` throws when the program failed. */
interface Command {
  readonly run: { readonly run: () => void | Promise<void> }
}

/** A component of `wasi:cli/command`. */
export class CommandGuest implements Guest, SuspendingInstance {
  /** It runs once. */
  readonly worn = true
  readonly #streams: Streams
  readonly #world: World
  readonly #capture = new CoreCapture()
  readonly #command: Command

  constructor(code: FunctionCode, instantiate: Instantiate, notes: Notes) {
    this.#streams = new Streams(code, notes)
    this.#world = createWorld(this.#streams.outside)
    const link = (name: string) => code.modules.get(name)
    this.#command = instantiate(link, this.#world.imports, this.#capture.instantiate) as Command
  }

  get reel(): Reel {
    return this.#streams.reel
  }

  get bytes(): number {
    return this.#capture.bytes
  }

  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    const main = () => {
      try {
        void this.#command.run.run()
        return true
      } catch (error) {
        return failed(error)
      }
    }
    take(this.#streams.run(event, context, main, () => this.#world.flush()))
  }

  drop(): void {
    this.#world.flush()
  }

  async wait(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): Promise<void> {
    const main = async () => {
      try {
        await this.#command.run.run()
        return true
      } catch (error) {
        return failed(error)
      }
    }
    take(await this.#streams.wait(event, context, main, () => this.#world.flush()))
  }
}

/** `result` without a value: jco's error for that has a payload, which is nothing. Throws what is another error. */
function failed(thrown: unknown): false {
  if (thrown instanceof Error && 'payload' in thrown) return false
  throw thrown
}
