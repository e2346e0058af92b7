/** Row 9 of the fault matrix, on the whole gateway: each sync of the disk takes 200 ms. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { describeWith } from '../../services/service.ts'
import { metricsOf } from '../../services/tail.ts'
import { WHOLE } from '../faults.ts'
import { p99 } from '../pairs.ts'
import { statesOf } from './ledger.ts'
import { Pacer, type Sent } from './pacer.ts'

const config = `
routes:
  work: { from: ["mqtt:ledger/+", http], to: "mqtt:out/{id}" }
`
const SYNC_MS = 200
const WINDOWS = WHOLE ? 20 : 6
const WINDOW_MS = 1_500
const MIB = 2 ** 20

interface Window {
  readonly sent: readonly Sent[]
  /** Milliseconds that the event loop was late, p99. */
  readonly lag: number
  /** Bytes of its own memory: what it maps of the journal's file is not counted. */
  readonly rss: number
}

/** What is sent in a stretch of time, and how the process did meanwhile. */
async function watch(gateway: GatewayProcess, { sent }: Pacer): Promise<Window> {
  await metricsOf(gateway)
  const from = sent.length
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS))
  const to = sent.length
  const metrics = await metricsOf(gateway)
  return {
    sent: sent.slice(from, to),
    lag: (metrics.get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1_000,
    rss: Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1_024,
  }
}

const tookOf = ({ at, acknowledgedAt }: Sent): number => (acknowledgedAt ?? Number.POSITIVE_INFINITY) - at

/** What the best of the windows kept to: a fault of ours is in each of them, the mood of the machine is not. */
const held = (figures: readonly number[]): number => Math.min(...figures)

describeWith(['strace'], `row 9: each sync takes ${SYNC_MS} ms`, () => {
  test('acknowledgements wait for two syncs at most, the loop and the memory do not notice, 0 are lost', async () => {
    // In memory where that can be had: a sync takes what it is made to take, and nothing of the machine's own disk.
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'headgate-strace-'))
    const data = join(folder, 'var')
    // -D: the gateway is the child, and strace ends with it. Without seccomp every system call would be slow.
    const inject = `inject=fdatasync:delay_exit=${SYNC_MS * 1_000}`
    const strace = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', join(folder, 'log')]
    const under = [...strace, '-P', join(data, 'journal/data.mdb'), '-e', 'trace=fdatasync', '-e', inject]
    await using gateway = await startGateway({ config, data, under })
    const pacer = await Pacer.start(gateway, { publishEveryMs: 4, perPost: 5 })
    await watch(gateway, pacer)
    const windows: Window[] = []
    for (let at = 0; at < WINDOWS; at += 1) windows.push(await watch(gateway, pacer))
    const before = pacer.acknowledged.length
    await gateway.kill()
    await pacer.stop()
    const { acknowledged } = pacer
    await gateway.restart()
    const states = await statesOf(gateway, acknowledged)
    const lost = acknowledged.filter((id) => !states.has(id))
    const times = windows.map(({ sent }) => sent.map(tookOf).filter(Number.isFinite))
    const figures = {
      p99: times.map((each) => Math.round(p99(each))),
      fastest: Math.round(Math.min(...times.flat())),
      lagP99: windows.map(({ lag }) => Math.round(lag)),
      rssMiB: windows.map(({ rss }) => Math.round(rss / MIB)),
    }
    console.log(JSON.stringify({ row: 9, acknowledged: acknowledged.length, before, lost: lost.length, ...figures }))
    rmSync(folder, { recursive: true, force: true })
    expect(acknowledged.length).toBeGreaterThan(WINDOWS * 200)
    // Each of them waited for a sync that was made to take so long.
    expect(figures.fastest).toBeGreaterThanOrEqual(SYNC_MS - 10)
    expect(held(figures.p99)).toBeLessThan(450)
    expect(held(figures.lagP99)).toBeLessThan(50)
    // A heap grows to its size first, whatever the disk does.
    const [first = Number.NaN, last = Number.NaN] = [windows[Math.floor(WINDOWS / 2)]?.rss, windows.at(-1)?.rss]
    expect(last - first).toBeLessThan(40 * MIB)
    expect(lost).toEqual([])
  })
})
