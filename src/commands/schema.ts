/** `headgate schema`: the JSON Schema with which an editor completes and checks the configuration. */

import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { inputError } from './exit.ts'
import type { Host } from './host.ts'
import { example } from './options.ts'
import { complain, print } from './terminal.ts'

export function registerSchema(program: Command, host: Host): void {
  const command = program
    .command('schema')
    .argument('[file]', 'where to write it (default: standard output)')
    .description('write the JSON Schema of the configuration, for editors')
    .option('--tests', 'the schema of the `*.test.yaml` files instead')
    .option('--json', 'accepted for evenness: a schema is JSON anyway')
    .action((file: string | undefined, options: Options) => schema(file, options, host))
  example(command, 'headgate schema config/schema.json')
  command.addHelpText('after', '\nFirst line of the YAML then:\n  # yaml-language-server: $schema=./schema.json')
}

interface Options {
  readonly tests?: true
}

async function schema(file: string | undefined, { tests }: Options, host: Host): Promise<void> {
  const { editorSchema, testsSchema } = await import('../docs/reference.ts')
  const text = tests ? testsSchema() : editorSchema(await host.connectors())
  if (file === undefined) return print(text.trimEnd())
  await writeFile(file, text).catch((error: NodeJS.ErrnoException) => {
    throw inputError(`writing "${file}": ${error.code ?? error.message}`)
  })
  complain(`wrote ${file}`)
}
