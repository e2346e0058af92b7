/** The pool passes the universal suite. */

import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { poolConformance } from '#conformance'
import { createPool } from './index.ts'

const wasm = fileURLToPath(new URL('../../test/functions/guests/hostile/hostile.wasm', import.meta.url))

poolConformance(test, {
  open: ({ functions, queue, log }) => {
    const specs = functions.map((spec) => ({ ...spec, wasm, memoryBytes: 32 << 20, env: {} }))
    return createPool(specs, { log, queue, workers: 2 })
  },
})
