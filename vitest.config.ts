/** The test projects: `unit` is the fast loop; the others start whole gateways, or kill them. */

import { defineConfig } from 'vitest/config'

const isolated = {
  pool: 'forks',
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
} as const

export default defineConfig({
  test: {
    reporters: ['default', './test/services/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,connectors,functions}/**/*.test.ts', 'test/*.test.ts', 'test/conformance/*.test.ts'],
          pool: 'forks',
          testTimeout: 20_000,
        },
      },
      { extends: true, test: { name: 'e2e', include: ['test/{e2e,functions}/**/*.test.ts'], ...isolated } },
      {
        extends: true,
        test: { name: 'crash', include: ['test/crash/**/*.test.ts'], ...isolated, testTimeout: 600_000 },
      },
    ],
  },
})
