/** Row 1 at the journal: kill -9 at any time, again and again on one journal; nothing acknowledged is lost. */

import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { Ledger, newFolder, startChild } from './ledger.ts'

const KILLS = 20
const WIDTH = 32

test(`kill -9 x ${KILLS} while appending and settling: 0 lost`, async () => {
  using folder = newFolder()
  const ledger = new Ledger()
  for (let run = 0; run < KILLS; run++) {
    const child = startChild([folder.path, run, 1_000_000, WIDTH])
    const enough = 50 + run * 40
    await eventually(() => child.lines.length > enough || child.process.exitCode !== null, {
      what: `run ${run} writes ${enough} lines`,
      withinMs: 30_000,
      everyMs: 1,
    })
    child.process.kill('SIGKILL')
    const { signal, lines, errors } = await child.ended
    expect(signal, errors).toBe('SIGKILL')
    ledger.add(lines)
  }
  const { found, readyMs } = await ledger.check(folder.path)
  console.log(
    `kill -9 x ${KILLS}: ${ledger.figures({ found, lost: ledger.accepted.size - found, readyMs: Math.round(readyMs) })}`,
  )
  expect(ledger.accepted.size).toBeGreaterThan(KILLS * 10)
})
