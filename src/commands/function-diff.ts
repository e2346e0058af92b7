/** `headgate function diff`: says what one version of a function asks for that another does not. */

import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { inputError } from './exit.ts'
import type { Host } from './host.ts'
import { functionFile } from './input.ts'
import { DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { paintOut, print, printJson, shown } from './terminal.ts'

interface DiffOptions extends Reading {
  readonly config: string
  readonly json?: true
}

export function registerFunctionDiff(parent: Command, host: Host): void {
  const command = parent
    .command('diff')
    .argument('<old>', 'a .wasm file, an OCI image layout, or <name>@<version>')
    .argument('<new>', 'another one')
    .description('say what one version imports that another does not, and what of that must be approved')
    .option('--config <file>', 'the configuration that says which files versions are', DEFAULT_CONFIG)
    .addOption(functionsOption())
    .addOption(jsonOption())
    .action((old: string, young: string, options: DiffOptions) => diff(old, young, options, host))
  example(command, 'headgate function diff resize@2 resize@3 --functions ./functions')
}

async function diff(old: string, young: string, { json, ...options }: DiffOptions, host: Host): Promise<void> {
  const { inspectFunction } = await import('../pool/index.ts')
  const { capabilitiesIn } = await import('../pool/capabilities.ts')
  const files = await Promise.all([old, young].map((one) => fileOf(one, options, host)))
  const [before, after] = (await Promise.all(files.map((file) => inspectFunction(file)))).map(
    ({ imports, sha256 }) => ({
      sha256,
      imports: new Set(imports.map(({ name }) => name.replace(/@[\d.]+$/, ''))),
      capabilities: new Set(capabilitiesIn(imports)),
    }),
  )
  if (before === undefined || after === undefined) return
  const added = [...after.imports.difference(before.imports)].sort()
  const removed = [...before.imports.difference(after.imports)].sort()
  const approve = [...after.capabilities.difference(before.capabilities)].sort()
  if (json) return printJson({ same: before.sha256 === after.sha256, added, removed, approve })
  for (const name of added) print(`${paintOut('green', '+')} ${shown(name)}`)
  for (const name of removed) print(`${paintOut('red', '-')} ${shown(name)}`)
  if (before.sha256 === after.sha256) print('they are the same file')
  else if (added.length + removed.length === 0) print('they import the same')
  if (approve.length === 0) return
  const what = shown(approve.join(', '))
  print(`to be approved: ${what}`)
  print(`  by approve: [${what}] in the options of the version, or by headgate function deploy --approve`)
}

/** Finds a file, or the one that a version is in the folder of functions or the configuration. */
async function fileOf(text: string, { config, functions }: Omit<DiffOptions, 'json'>, host: Host): Promise<string> {
  if (!/@[\w.-]+$/.test(text) || existsSync(text)) return functionFile(text)
  const { loadConfig } = await import('../config/index.ts')
  const { readFunctionFolder } = await import('../config/wanted.ts')
  const found = functions === undefined ? undefined : readFunctionFolder(functions).files.get(text)
  if (found !== undefined) return found
  if (existsSync(config)) {
    const given = functions === undefined ? {} : { functions }
    const loaded = await loadConfig(config, await reading(given, host))
    const spec = loaded.functions.find(({ name, version }) => `${name}@${version}` === text)
    if (spec) return spec.wasm
  }
  throw inputError(
    existsSync(config) || functions !== undefined
      ? `${text}: there is no such version in "${functions ?? config}"; name a .wasm file, --functions or --config`
      : `${text}: nothing says which file this version is: there is no "${config}"; name a .wasm file, --functions or --config`,
  )
}
