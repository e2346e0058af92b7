#!/usr/bin/env node
/** Starts the command line. Plain JavaScript that any Node reads, so that an old one gets a sentence, not a syntax error. */

import module from 'node:module'

const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 12)) {
  // Keeps what Node makes of the sources: the next start is faster, and without the TypeScript stripper in memory.
  module.enableCompileCache()
  await import('../src/main.ts')
} else {
  console.error(
    `headgate: starting: this is Node ${process.versions.node}, and 24.12 or newer is needed; ` +
      'run it as "npx headgate" in its folder, which uses the Node that "npm install" put there',
  )
  process.exitCode = 1
}
