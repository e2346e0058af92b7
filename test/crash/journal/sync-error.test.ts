/** Row 8: the disk refuses to sync, once; nothing is acknowledged after that, and nothing before it is lost. */

import { expect, test } from 'vitest'
import { describeWith } from '../../services/service.ts'
import { Ledger, newFolder, startChild } from './ledger.ts'

describeWith(['strace'], 'a sync that fails', () => {
  for (const when of [1, 2, 7, 20]) {
    test(`fdatasync number ${when} gives EIO: no acknowledgement after it, the journal fails, 0 lost`, async () => {
      using folder = newFolder()
      const ledger = new Ledger()
      const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync']
      const child = startChild([folder.path, 0, 200, 8], [...strace, '-e', `inject=fdatasync:error=EIO:when=${when}`])
      const { code, lines, errors } = await child.ended
      const failed = lines.indexOf('failed JOURNAL_IO')
      expect(failed, errors).toBeGreaterThan(0)
      expect(code, 'no unhandled rejection ends the process').toBe(0)
      expect(lines.slice(failed).filter((line) => /^(accepted|settled) /.test(line))).toEqual([])
      const refused = lines.filter((line) => line.startsWith('refused ') && line.endsWith(' JOURNAL_IO'))
      expect(refused.length).toBeGreaterThan(0)
      ledger.add(lines)
      if (when > 1) expect(ledger.accepted.size).toBeGreaterThan(0)
      const { found } = await ledger.check(folder.path)
      console.log(`EIO at fdatasync ${when}: ${ledger.figures({ refused: refused.length, found })}`)
    })
  }
})
