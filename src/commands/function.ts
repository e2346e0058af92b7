/** `headgate function`: what concerns a function by itself, be it a file or a version in a gateway that runs. */

import type { Command } from 'commander'
import { registerFunctionInspect } from './function-inspect.ts'
import { registerRollout } from './function-rollout.ts'
import { registerFunctionRun } from './function-run.ts'

export function registerFunction(program: Command): void {
  const command = program.command('function').description('look at a function, call it, roll out a version of it')
  registerFunctionInspect(command)
  registerFunctionRun(command)
  registerRollout(program)
}
