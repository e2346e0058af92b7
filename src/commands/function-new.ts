/** `headgate function new`: makes the folder of a function that builds, runs and has a test. */

import { relative, sep } from 'node:path'
import { type Command, Option } from 'commander'
import type { Language } from '../author/index.ts'
import { LANGUAGES } from '../author/languages.ts'
import { authored } from './authored.ts'
import { example, jsonOption } from './options.ts'
import { print, printJson, shown } from './terminal.ts'

interface NewOptions {
  readonly lang: Language
  readonly in: string
  readonly json?: true
}

export function registerFunctionNew(parent: Command): void {
  const command = parent
    .command('new <name>')
    .description('make the folder of a function: source, interface, configuration, test; nothing is written over')
    .addOption(new Option('--lang <language>', 'what it is written in').choices(LANGUAGES).makeOptionMandatory())
    .option('--in <folder>', 'the folder to make it in', '.')
    .addOption(jsonOption())
    .action(create)
  example(command, 'headgate function new greet --lang rust')
}

async function create(name: string, { lang, in: parent, json }: NewOptions): Promise<void> {
  const { missingTools, newFunction } = await import('../author/index.ts')
  const folder = await authored(async () => newFunction(name, lang, parent))
  const missing = missingTools(lang, folder)
  const install = missing.map((tool) => ({ tool: tool.name, install: tool.install }))
  if (json) return printJson({ name, language: lang, folder, missing: install })
  const at = shown(relative('.', folder) || '.').replaceAll(sep, '/')
  print(
    `made ${at}, in ${lang}`,
    ...install.map((one) => `  ${one.tool} is not there: ${one.install}`),
    `  headgate function build ${at}`,
    `  headgate check ${at}/headgate.yaml`,
  )
}
