/** A source is paused and resumed from the command line: what comes waits upstream, and comes then. */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { ROOT, startGateway } from '../../services/gateway.ts'
import { follow } from '../../services/tail.ts'

const config = `
sources:
  ticks: { cron: { schedule: "* * * * * *", catch_up: 1h } }
routes:
  work: { from: ticks, to: mqtt:ticks }
`

test('nothing is taken while a source is paused, /ready says so, and what was due comes when it is resumed', async () => {
  await using gateway = await startGateway({ config })
  using tail = await follow(gateway)
  const headgate = (...args: string[]) =>
    execFileSync(process.execPath, [join(ROOT, 'src/main.ts'), ...args, '--admin', `127.0.0.1:${gateway.admin}`], {
      encoding: 'utf8',
    })
  const slots = () =>
    tail.lines.filter(({ kind }) => kind === 'accepted').map(({ event }) => Date.parse(event.id.slice('ticks/'.length)))
  await eventually(() => slots().length >= 1, { what: 'it ticks' })
  expect(headgate('pause', 'ticks')).toBe('ticks is paused; "headgate resume ticks" has it go on\n')
  expect(headgate('pause', 'ticks')).toContain('was paused already')
  const ready = await (await fetch(`http://127.0.0.1:${gateway.admin}/ready`)).json()
  expect(ready).toMatchObject({
    ready: true,
    checks: expect.arrayContaining([
      { name: 'sources', ok: true, detail: expect.stringContaining('paused: ticks (headgate resume ticks)') },
    ]),
  })
  const [before, since] = [slots().length, Date.now()]
  await eventually(() => Date.now() - since > 3_000, { what: 'three slots passed' })
  expect(slots().length).toBe(before)
  expect(headgate('resume', 'ticks')).toBe('ticks goes on\n')
  await eventually(() => slots().length >= before + 3, { what: 'what was due comes' })
  const gaps = slots().map((slot, at, all) => slot - (all[at - 1] ?? slot - 1_000))
  expect(new Set(gaps)).toEqual(new Set([1_000]))
  expect(() => headgate('pause', 'tocks')).toThrow(/there is no source "tocks"/)
  expect(() => headgate('resume', 'tocks')).toThrow(/there is no sink "tocks"/)
})
