/** The command line. Names the connectors; everything else is found from here. */

import { execute } from './commands/program.ts'

await execute({
  argv: process.argv.slice(2),
  env: process.env,
  connectors: async () => (await import('../connectors/index.ts')).connectors,
  connectorsAt: new URL('../connectors/index.ts', import.meta.url).href,
})
