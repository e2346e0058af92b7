/** `headgate function build`: builds the folder of a function to its .wasm, and says what came of it. */

import { relative } from 'node:path'
import { type Command, Option } from 'commander'
import type { Engine } from '../author/index.ts'
import { ENGINES } from '../author/toolchains.ts'
import { authored } from './authored.ts'
import { elapsed } from './elapsed.ts'
import { inputError } from './exit.ts'
import { SPEAKS } from './function-inspect.ts'
import { example, jsonOption } from './options.ts'
import { print, printJson, shown } from './terminal.ts'

interface BuildOptions {
  readonly engine: Engine
  readonly world?: string
  readonly json?: true
}

export function registerFunctionBuild(parent: Command): void {
  const command = parent
    .command('build')
    .argument('[folder]', 'where its source lies', '.')
    .description('build a function to <folder>/<name>.wasm, by the tools of its language')
    .addOption(
      new Option('--engine <engine>', 'what runs JavaScript and TypeScript').choices(ENGINES).default('quickjs'),
    )
    .option('--world <name>', 'the world of its wit/ that a function in Python implements; full if it imports host')
    .addOption(jsonOption())
    .action(build)
  example(command, 'headgate function build greet')
}

async function build(folder: string, { engine, json, world }: BuildOptions): Promise<void> {
  const { buildFunction } = await import('../author/index.ts')
  const { inspectFunction } = await import('../pool/index.ts')
  const begun = performance.now()
  const { language, name, path } = await authored(() => buildFunction(folder, { engine, world }))
  const tookMs = Math.round(performance.now() - begun)
  const { bytes, interface: speaks, problem, sha256 } = await inspectFunction(path)
  if (speaks === undefined) throw inputError(`${name} (build): looking at what was built: it ${problem}`)
  if (json) return printJson({ name, language, file: path, interface: speaks, bytes, sha256, tookMs })
  print(`${shown(relative('.', path))}: ${SPEAKS[speaks]}; ${sizeOf(bytes)}, built in ${elapsed(tookMs)}`)
}

const sizeOf = (bytes: number): string =>
  bytes < 1 << 20 ? `${bytes >> 10} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`
