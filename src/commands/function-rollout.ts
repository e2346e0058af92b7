/** `headgate function deploy`, `promote`, `rollback`: brings a version of a function into a gateway that runs, and out of it. */

import type { Command } from 'commander'
import * as z from 'zod'
import { askJson, face } from './client.ts'
import { functionFile, readInput } from './input.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { print, printJson, shown } from './terminal.ts'

interface RolloutOptions {
  readonly admin: string
  readonly json?: true
}

interface DeployOptions extends RolloutOptions {
  readonly approve?: true
}

const decided = z.object({
  decided: z.array(
    z.looseObject({ route: z.string(), candidate: z.string(), weights: z.record(z.string(), z.number()) }),
  ),
})
const deployed = z.object({
  function: z.string(),
  sha256: z.string(),
  loaded: z.boolean(),
  generation: z.number().optional(),
})

/** Adds them to the commands under `headgate function`. */
export function registerRollout(program: Command): void {
  const group =
    program.commands.find((one) => one.name() === 'function') ??
    program.command('function').description('functions and their versions')
  const deploying = withOptions(group.command('deploy'))
    .description('put a version into the folder of functions of a gateway that runs; refused, nothing has changed')
    .argument('<name@version>', 'what it is called from now on')
    .argument('<file>', 'a .wasm file, an OCI image layout, or - for standard input')
    .option('--approve', 'let it ask for what no version before it did; see "headgate function diff"')
    .action(deploy)
  example(deploying, 'headgate function deploy resize@3 target/resize.wasm')
  const promoting = withOptions(group.command('promote'))
    .description('send to one version what the versions of its function get, until `to` of the route changes')
    .argument('<what>', 'a route, whose newest version it is then, or <name>@<version>')
    .action((what: string, options: RolloutOptions) => decide('promote', what, options))
  example(promoting, 'headgate function promote thumbnails', 'headgate function promote resize@3')
  const rolling = withOptions(group.command('rollback'))
    .description('send nothing new to one version, until `to` of the route changes; what it began it ends')
    .argument('<what>', 'a route, whose newest version it is then, or <name>@<version>')
    .action((what: string, options: RolloutOptions) => decide('rollback', what, options))
  example(rolling, 'headgate function rollback thumbnails', 'headgate function rollback resize@3')
}

const withOptions = (command: Command): Command => command.addOption(adminOption()).addOption(jsonOption())

async function decide(verb: 'promote' | 'rollback', what: string, { admin, json }: RolloutOptions): Promise<void> {
  const question = {
    method: 'POST',
    path: `/admin/functions/${verb}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ what }),
  }
  const answer = decided.parse(await askJson(face(admin, '--admin'), question))
  if (json) return printJson(answer)
  for (const { candidate, route, weights } of answer.decided) {
    const all = Object.entries(weights).map(([to, weight]) => `${to}: ${weight}`)
    const done = verb === 'promote' ? 'promoted' : 'rolled back'
    print(`${shown(route)}: ${shown(candidate)} is ${done}; { ${shown(all.join(', '))} } from now on`)
  }
}

async function deploy(name: string, file: string, { admin, approve, json }: DeployOptions): Promise<void> {
  const body = await readInput(await functionFile(file))
  const path = `/admin/functions/${encodeURIComponent(name)}${approve ? '?approve=true' : ''}`
  const question = { method: 'PUT', path, headers: { 'content-type': 'application/wasm' }, body }
  const answer = deployed.parse(await askJson(face(admin, '--admin'), question))
  if (json) return printJson(answer)
  const { generation, loaded, sha256 } = answer
  const how = generation === undefined ? 'is there already' : `is deployed, generation ${generation} runs`
  print(`${shown(name)} ${how} (sha256 ${sha256.slice(0, 12)}...)`)
  if (!loaded) print('no route sends to it: name it in `to`, with a weight or without')
}
