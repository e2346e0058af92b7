/** Row 7 of the fault matrix, where it is not the room: a write that the disk, or a quota, refuses. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'
import { describeWith } from '../../services/service.ts'
import { WHOLE } from '../faults.ts'
import { pending, statesOf } from './ledger.ts'
import { Pacer } from './pacer.ts'

const config = `
functions: { echo: FUNCTIONS/echo/echo.wasm }
routes:
  work: { from: ["mqtt:ledger/+", http], to: echo, retry: 0 }
`

/** What a write may be refused with: a worn disk, a user's quota. */
const ERRORS = ['EIO', 'EDQUOT'] as const
/** What it writes: events, and sessions. */
const FILES = ['journal', 'broker'] as const
/** Which write of a thread: a start writes a few by itself. */
const WHEN = WHOLE ? [20, 200] : [40]

describeWith(['strace'], 'row 7: a write fails', () => {
  test.each(FILES.flatMap((file) => ERRORS.flatMap((error) => WHEN.map((when) => [file, error, when] as const))))(
    '%s: %s at write number %i of each thread: it ends at once, and a supervised restart has lost nothing',
    async (file, error, when) => {
      const folder = mkdtempSync(join(tmpdir(), 'headgate-strace-'))
      const [data, log, flag, under] = ['var', 'log', 'once', 'under'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
        string,
      ]
      const inject = `inject=pwrite64,pwritev,pwritev2:error=${error}:when=${when}+`
      const strace = `strace -f -qq -ttt -o ${log} -P ${data}/${file}/data.mdb -e trace=pwrite64,pwritev,pwritev2 -e ${inject}`
      // Once: started again, the same command line runs without the fault.
      writeFileSync(under, `#!/bin/sh\nif [ -e ${flag} ]; then exec "$@"; fi\ntouch ${flag}\nexec ${strace} "$@"\n`, {
        mode: 0o755,
      })
      await using gateway = await startGateway({ config, data, under: [under] })
      const pacer = await Pacer.start(gateway, { publishEveryMs: 5, perPost: 4 })
      const code = await gateway.exited()
      const ended = Date.now()
      await pacer.stop()
      const injected = readFileSync(log, 'utf8')
        .split('\n')
        .find((line) => line.includes('INJECTED'))
      const failed = Number(injected?.match(/\d{9,}\.\d+/)?.[0]) * 1_000
      const { acknowledged } = pacer
      const said = gateway.output()
      await gateway.restart()
      await eventually(async () => (await pending(gateway)) === 0, { what: 'what was accepted is delivered' })
      const states = await statesOf(gateway, acknowledged)
      const lost = acknowledged.filter((id) => !states.has(id))
      const exit = {
        code,
        exitAfterMs: Math.round(ended - failed),
        told: /headgate: ([^\n]*check the disk)/.exec(gateway.output())?.[1],
      }
      console.log(
        JSON.stringify({ row: 7, file, error, when, ...exit, acknowledged: acknowledged.length, lost: lost.length }),
      )
      rmSync(folder, { recursive: true, force: true })
      // LMDB says of a failed write more than it has room for: where glibc sees that first, it ends the process by a signal.
      expect([74, null], said.slice(-4_000)).toContain(code)
      expect(ended - failed).toBeLessThan(2_000)
      expect(acknowledged.length).toBeGreaterThan(0)
      expect(lost).toEqual([])
    },
  )
})
