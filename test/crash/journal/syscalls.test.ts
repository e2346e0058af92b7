/** Row 2: kill -9 at each kind of system call that changes the journal's file, at the Nth one. */

import { expect, test } from 'vitest'
import { describeWith } from '../../services/service.ts'
import { Ledger, newFolder, startChild } from './ledger.ts'

/** What LMDB really calls, as strace shows: pages by pwrite64 and writev, then fdatasync, then the meta page. */
const CALLS = {
  fdatasync: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 40],
  pwrite64: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 25, 30, 40, 60, 90],
  writev: [1, 2, 3, 4, 5],
  ftruncate: [1],
} as const

describeWith(['strace'], 'kill -9 at the Nth system call', () => {
  for (const [call, times] of Object.entries(CALLS)) {
    test(`${call}, N = ${times.join(' ')}: it opens each time, 0 lost`, async () => {
      const all = { acknowledged: 0, lost: 0, killed: 0 }
      for (const when of times) {
        using folder = newFolder()
        const ledger = new Ledger()
        const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`]
        const inject = ['-e', `inject=${call}:signal=SIGKILL:when=${when}`]
        const child = startChild([folder.path, when, 120, 6], [...strace, ...inject])
        const { signal, code, lines } = await child.ended
        if (signal === 'SIGKILL' || code === 137) all.killed++
        ledger.add(lines)
        if (lines.includes('open')) {
          const { found } = await ledger.check(folder.path)
          all.acknowledged += ledger.accepted.size
          all.lost += ledger.accepted.size - found
        } else expect(ledger.accepted.size).toBe(0)
      }
      console.log(`kill -9 at ${call} x ${times.length}: ${Object.entries(all).flat().join(' ')}`)
      expect(all.lost).toBe(0)
      expect(all.killed, 'the fault was reached').toBeGreaterThan(times.length / 2)
    })
  }
})
