/** Makes the instances of a function in one worker, each by the interface that it speaks. */

import { FreshInstance } from './fresh.ts'
import { HandlerInstance } from './handler.ts'
import { HttpGuest } from './http-guest.ts'
import {
  evaluate,
  type FunctionCode,
  type Instance,
  type Instantiate,
  type Notes,
  type SuspendingInstance,
} from './instance.ts'
import { CommandGuest, ModuleGuest } from './program.ts'
import { type Habit, HttpInstance } from './served.ts'
import { isFresh } from './wear.ts'

/** Throws what the guest's start code throws, and a RangeError when there is no address space for its memory. */
export type Make = () => Instance

/** What is made once for all instances is made now. */
export function maker(code: FunctionCode, notes: Notes): Make {
  if (code.speaks === 'wasip1') return () => new FreshInstance(() => new ModuleGuest(code, notes))
  const instantiate: Instantiate = evaluate(code)
  switch (code.speaks) {
    case 'handler':
      return handling(code, instantiate, notes)
    case 'http':
      return served(code, instantiate, notes)
    case 'command':
      return () => new FreshInstance(() => new CommandGuest(code, instantiate, notes))
  }
}

/** Makes an instance that may wait, and throws as `Make` does: each has notes of its own, since several run at once. */
export type MakeSuspending = (notes: Notes) => SuspendingInstance

export function suspendingMaker(code: FunctionCode): MakeSuspending {
  const instantiate: Instantiate = evaluate(code)
  switch (code.speaks) {
    case 'http':
      return (notes) => new HttpGuest(code, instantiate, notes)
    case 'command':
      return (notes) => new CommandGuest(code, instantiate, notes)
    default:
      return (notes) => new HandlerInstance(code, instantiate, notes)
  }
}

function handling(code: FunctionCode, instantiate: Instantiate, notes: Notes): Make {
  const make = () => new HandlerInstance(code, instantiate, notes)
  return isFresh(code.reuse) ? () => new FreshInstance(make) : make
}

function served(code: FunctionCode, instantiate: Instantiate, notes: Notes): Make {
  const habit: Habit = isFresh(code.reuse) ? { reusable: false } : {}
  return () => new HttpInstance(() => new HttpGuest(code, instantiate, notes), habit, code)
}
