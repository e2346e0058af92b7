/** The test projects: `unit` is the fast loop; the others start whole gateways, kill them, or speak to real servers. */

import { defineConfig } from 'vitest/config'
import LongestFirst from './test/services/order.ts'

const isolated = {
  pool: 'forks',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // Real servers, kills and faults by the thousand, on machines of two cores: what passes at its second try is named at the end.
  retry: 1,
} as const

/**
 * A project begins when the one before it has ended: what is killed, faulted or measured has the machine to itself. Each has
 * a number of its own, and not 0: there vitest puts what has one worker (on two cores, by default, all) in a group at the end.
 */
const inTurn = (groupOrder: number, maxWorkers: number | string) => ({ sequence: { groupOrder }, maxWorkers })

/** Tests on real servers, wherever they lie. */
const servers = ['{connectors,test}/**/*.server.test.ts']

export default defineConfig({
  test: {
    // A thing that comes is waited for, also on a machine with ten other things to do.
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', './test/services/reporter.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,connectors,functions}/**/*.test.ts', 'test/*.test.ts', 'test/conformance/*.test.ts'],
          exclude: servers,
          pool: 'forks',
          ...inTurn(1, '100%'),
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/{e2e,functions}/**/*.test.ts'],
          exclude: servers,
          ...isolated,
          ...inTurn(2, 2),
        },
      },
      {
        extends: true,
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          exclude: servers,
          ...isolated,
          ...inTurn(3, 1),
          testTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: servers,
          globalSetup: ['./test/services/servers.ts'],
          ...isolated,
          ...inTurn(4, 1),
        },
      },
    ],
  },
})
