/** `headgate function`: what concerns a function by itself, be it a file or a version in a gateway that runs. */

import type { Command } from 'commander'
import { registerFunctionBuild } from './function-build.ts'
import { registerFunctionDiff } from './function-diff.ts'
import { registerFunctionInspect } from './function-inspect.ts'
import { registerFunctionNew } from './function-new.ts'
import { registerFunctionReplay } from './function-replay.ts'
import { registerRollout } from './function-rollout.ts'
import { registerFunctionRun } from './function-run.ts'
import type { Host } from './host.ts'

export function registerFunction(program: Command, host: Host): void {
  const command = program
    .command('function')
    .description('make a function, build it, look at it, call it, roll out a version of it')
  registerFunctionNew(command)
  registerFunctionBuild(command)
  registerFunctionInspect(command)
  registerFunctionRun(command)
  registerFunctionReplay(command, host)
  registerFunctionDiff(command, host)
  registerRollout(program)
}
