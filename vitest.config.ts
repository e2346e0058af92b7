/** The test projects: `unit` is the fast loop; the others start whole gateways, kill them, or speak to real servers. */

import { defineConfig } from 'vitest/config'

const isolated = {
  pool: 'forks',
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // Real servers, kills and faults by the thousand, on machines of two cores: what passes at its second try is named at the end.
  retry: 1,
} as const

/** Tests on real servers, wherever they lie. */
const servers = ['{connectors,test}/**/*.server.test.ts']

export default defineConfig({
  test: {
    // A thing that comes is waited for, also on a machine with ten other things to do.
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', './test/services/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,connectors,functions}/**/*.test.ts', 'test/*.test.ts', 'test/conformance/*.test.ts'],
          exclude: servers,
          pool: 'forks',
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/{e2e,functions}/**/*.test.ts'], exclude: servers, ...isolated },
      },
      {
        extends: true,
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          exclude: servers,
          ...isolated,
          testTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: { name: 'servers', include: servers, globalSetup: ['./test/services/servers.ts'], ...isolated },
      },
    ],
  },
})
