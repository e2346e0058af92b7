/** How the commands read a configuration: with a folder of functions, and notes on what was passed over. */

import { Option } from 'commander'
import type { LoadOptions } from '../config/index.ts'
import type { Host } from './host.ts'
import { complain, paintErr } from './terminal.ts'

/** What was typed about how to read the configuration. */
export interface Reading {
  readonly functions?: string
}

export const functionsOption = () =>
  new Option(
    '--functions <folder>',
    'where the functions lie that routes want and `functions:` does not name: <name>.wasm or <name>@<version>.wasm, there or in a folder <name>',
  ).env('HEADGATE_FUNCTIONS')

/** The options to load a configuration with. Notes go to standard error. */
export async function reading({ functions }: Reading, host: Host): Promise<LoadOptions> {
  return {
    connectors: await host.connectors(),
    env: host.env,
    ...(functions === undefined ? {} : { functions }),
    note: (text) => complain(paintErr('dim', text)),
  }
}
