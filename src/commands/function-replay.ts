/** `headgate function replay`: runs a dead letter's call again, with what it was given then, and says whether it fails alike. */

import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { TranspileStore } from '../pool/cache.ts'
import type { Recording } from '../pool/recording.ts'
import type { Played, Told } from '../pool/replay.ts'
import { askJson } from './client.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import { environment } from './function-run.ts'
import type { Host } from './host.ts'
import { control } from './letters.ts'
import { adminOption, collect, DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { recordedCall } from './records.ts'
import { difference, givenLines, replayLines, replayView, trapLines } from './replayed.ts'
import { complain, paintErr, paintOut, print, printJson, shown } from './terminal.ts'

interface ReplayOptions extends Reading {
  readonly config: string
  readonly wasm?: string
  readonly env?: readonly string[]
  readonly inspect?: true
  readonly admin: string
  readonly json?: true
}

export function registerFunctionReplay(parent: Command, host: Host): void {
  const command = parent
    .command('replay')
    .argument('<id>', 'of a dead letter, or of whatever was recorded: its delivery, its event, or its callId')
    .description(
      'run the call of a dead letter again with what it was given then; nothing is reached, and it fails in the same place',
    )
    .option('--inspect', 'print each thing that it asks for, what it is given, and where in the function that is')
    .option('--config <file>', 'the configuration that says which file it was, and its environment', DEFAULT_CONFIG)
    .addOption(functionsOption())
    .option('--wasm <file>', 'the file that failed, where the configuration has another by now')
    .option('--env <name=value>', 'an environment variable; may be given several times', collect)
    .addOption(adminOption())
    .addOption(jsonOption())
    .action((id: string, options: ReplayOptions) => replay(id, options, host))
  example(command, 'headgate function replay 1f-0 --inspect')
}

async function replay(id: string, options: ReplayOptions, host: Host): Promise<void> {
  const path = `/admin/recordings/${encodeURIComponent(id)}`
  const got = recordedCall.parse(await askJson(control(options), { method: 'GET', path }))
  const { decodeRecording } = await import('../pool/recording.ts')
  const recording = decodeRecording(Buffer.from(got.recording, 'base64'))?.recording
  if (!recording) throw inputError(`replaying ${id}: a newer version of Headgate recorded it; use that one`)
  const event = Buffer.from(got.event, 'base64')
  if (recording.eventSha256 !== undefined && recording.eventSha256 !== hash('sha256', event))
    throw inputError(
      `replaying ${id}: the function was called with what a transform or a batch made of the event, which was too long to be kept; raise "record: { limit }" of it for the next failure`,
    )
  const failed = await fileOf(id, recording, options, host)
  const told: Told[] = []
  const tell = (each: Told) => {
    told.push(each)
    if (options.json) return
    if (each.kind === 'line') complain(`${paintErr('dim', `${each.level}:`)} ${shown(each.message)}`)
    else if (options.inspect) print(...givenLines(each, paintOut))
  }
  const { replayCall } = await import('../pool/replay.ts')
  const cache = await cacheOf(failed)
  const parts = { ...failed, event, ...(cache && { cache }), tell }
  const played: Played = await replayCall(recording, parts)
  const replayed = { delivery: got, recording, played, told }
  if (options.json) printJson(replayView(replayed))
  else print(...(options.inspect ? trapLines(played, paintOut) : []), ...replayLines(replayed, paintOut))
  const differs = difference(replayed)
  if (differs !== undefined) throw new CommandError(EXIT.failed, 'REPLAY_DIFFERS', `replaying ${id}: ${differs}`)
}

/** The file that failed, and what the configuration has for it. */
interface Failed {
  readonly wasm: string
  readonly env: Readonly<Record<string, string>>
  /** Of the gateway, beside whose journal lies what it made of its functions. */
  readonly journal?: string
}

async function fileOf(id: string, recording: Recording, options: ReplayOptions, host: Host): Promise<Failed> {
  const { digestOf } = await import('../pool/digest.ts')
  const { function: name, sha256, version } = recording
  const typed = environment(options.env)
  const wanted = `${version === '' ? name : `${name}@${version}`}, sha256 ${sha256}`
  if (options.wasm !== undefined) {
    const digest = await digestOf(options.wasm)
    if (digest === sha256) return { wasm: resolve(options.wasm), env: typed }
    const is = digest === '' ? 'cannot be read' : `has sha256 ${digest}`
    throw inputError(`replaying ${id}: "${options.wasm}" ${is}; the file that failed is ${wanted}`)
  }
  const config = await configOf(options, host)
  const there: string[] = []
  for (const spec of config?.functions ?? []) {
    const digest = await digestOf(spec.wasm)
    const env = { ...spec.env, ...typed }
    if (config && digest === sha256) return { wasm: spec.wasm, env, journal: config.journal.path }
    if (spec.name === name) there.push(`"${spec.wasm}" with ${digest || 'nothing that can be read'}`)
  }
  const instead = there.length === 0 ? '' : `; there is ${there.join(' and ')}`
  throw inputError(
    `replaying ${id}: no function of "${options.config}" is the file that failed, which is ${wanted}${instead}; name it with --wasm, or another --config`,
  )
}

async function configOf({ config, functions }: ReplayOptions, host: Host) {
  if (!existsSync(config)) return undefined
  const { loadConfig } = await import('../config/index.ts')
  return loadConfig(config, await reading(functions === undefined ? {} : { functions }, host))
}

/** What a gateway has transpiled is read; nothing is written beside its journal. */
async function cacheOf({ journal }: Failed): Promise<TranspileStore | undefined> {
  const { BorrowedCache, cacheBeside, spareFolder } = await import('../pool/cache.ts')
  return journal === undefined ? undefined : new BorrowedCache(cacheBeside(journal), spareFolder())
}
