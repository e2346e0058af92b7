/** Row 2: kill -9 at each kind of system call that changes the journal's file, at the Nth one. */

import { expect, test } from 'vitest'
import { describeWith } from '../../services/service.ts'
import { WHOLE } from '../faults.ts'
import { Ledger, newFolder, startChild } from './ledger.ts'

/** What LMDB really calls, as strace shows: pages by pwrite64 and writev, then fdatasync, then the meta page. */
const CALLS = {
  fdatasync: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 40],
  pwrite64: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 25, 30, 40, 60, 90],
  writev: [1, 2, 3, 4, 5],
  ftruncate: [1],
} as const
/** The rest of the row: LMDB makes no such call, neither on its file nor on another. */
const NEVER = ['fsync', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'truncate', 'fallocate', 'msync']

const MOST = 200
const EVERY = Array.from({ length: MOST }, (_, index) => index + 1)
/** Appends of one run, 6 at a time: about one fdatasync for each 6. */
const APPENDS = WHOLE ? 1_500 : 120
const AT_ONCE = 2
/** fdatasync and pwrite64 come more than 200 times; one transaction in ten ends in a writev; the file grows once. */
const REACHED = { fdatasync: MOST, pwrite64: MOST, writev: 10, ftruncate: 1 } as const

const strace = (calls: string, ...more: string[]) =>
  ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, ...more] as const

interface Killed {
  readonly reached: boolean
  readonly acknowledged: number
  readonly lost: number
}

async function killAt(call: string, when: number): Promise<Killed> {
  using folder = newFolder()
  const ledger = new Ledger()
  const inject = `inject=${call}:signal=SIGKILL:when=${when}`
  const { signal, code, lines } = await startChild([folder.path, when, APPENDS, 6], strace(call, '-e', inject)).ended
  const reached = signal === 'SIGKILL' || code === 137
  ledger.add(lines)
  if (!lines.includes('open')) {
    expect(ledger.accepted.size).toBe(0)
    return { reached, acknowledged: 0, lost: 0 }
  }
  const { found } = await ledger.check(folder.path)
  return { reached, acknowledged: ledger.accepted.size, lost: ledger.accepted.size - found }
}

/** Kills at each of the times, two runs at once, until the call does not come that often any more. */
async function killAtEach(call: string, times: readonly number[]): Promise<readonly Killed[]> {
  const runs: Killed[] = []
  const left = times.values()
  const lane = async () => {
    for (const when of left) {
      const run = await killAt(call, when)
      runs.push(run)
      if (!run.reached) break
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return runs
}

const sum = (runs: readonly Killed[], figure: 'acknowledged' | 'lost') =>
  runs.reduce((total, run) => total + run[figure], 0)

describeWith(['strace'], 'kill -9 at the Nth system call', () => {
  for (const [call, some] of Object.entries(CALLS)) {
    const times = WHOLE ? EVERY : some
    test(`${call}, N = ${WHOLE ? `1 to ${MOST}` : times.join(' ')}: it opens each time, 0 lost`, async () => {
      const runs = await killAtEach(call, times)
      const killed = runs.filter(({ reached }) => reached).length
      const lost = sum(runs, 'lost')
      console.log(
        `row 2: kill -9 at ${call}: ${JSON.stringify({ killed, acknowledged: sum(runs, 'acknowledged'), lost })}`,
      )
      expect(lost).toBe(0)
      const least = WHOLE ? REACHED[call as keyof typeof CALLS] : times.length / 2
      expect(killed, 'the fault was reached').toBeGreaterThanOrEqual(least)
    })
  }

  test(`${NEVER.join(', ')}: not called, so there is nothing to kill at`, async () => {
    using folder = newFolder()
    const inject = `inject=${NEVER.join(',')}:signal=SIGKILL`
    const { code, lines } = await startChild([folder.path, 0, 120, 6], strace(NEVER.join(','), '-e', inject)).ended
    expect(code).toBe(0)
    expect(lines.filter((line) => line.startsWith('accepted '))).toHaveLength(120)
  })
})
