/** A gateway that watches a directory is killed with -9 three times among 10,000 files: each is told of, none is lost. */

import { mkdirSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSink, pending } from '../../test/crash/path/ledger.ts'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { describeServers } from '../../test/services/server.ts'
import { metricsOf } from '../../test/services/tail.ts'
import { makeDirectory } from './harness.ts'

const FILES = 10_000
const KILLS = 3

await describeServers([], 'storage, killed', () => {
  test('three times: each of 10,000 files is settled', { timeout: 300_000 }, async () => {
    using directory = makeDirectory()
    mkdirSync(join(directory.path, 'in'))
    const config = `
sources:
  uploads:
    storage: { directory: ${directory.path}, events: [created], fetch: true, stable: 0s }
routes:
  work: { from: uploads, to: "mqtt:out/{subject}", concurrency: 64 }
`
    await using gateway = await startGateway({ config })
    const sink = await openSink(gateway, 'out/#')
    let written = 0
    const write = async () => {
      for (; written < FILES; written += 1) {
        const name = `in/f${written}`
        await writeFile(join(directory.path, `in/.f${written}`), name)
        await rename(join(directory.path, `in/.f${written}`), join(directory.path, name))
      }
    }
    const writing = write()
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const next = Math.round((FILES * 0.8 * (kill - Math.random() / 2)) / KILLS)
      const detail = () => `${sink.received.size}\n${gateway.output()}`
      await eventually(() => sink.received.size >= next, { what: `${next} were told of`, withinMs: 90_000, detail })
      await gateway.kill()
      await gateway.restart()
    }
    await writing
    const all = { withinMs: 90_000, everyMs: 100, detail: () => `${sink.received.size}\n${gateway.output()}` }
    await eventually(() => sink.received.size === FILES, { what: 'the sink has each', ...all })
    await eventually(async () => (await pending(gateway)) === 0, { what: 'everything is settled', ...all })
    const duplicates = [...sink.received.values()].reduce((sum, count) => sum + count - 1, 0)
    const settled = sink.received.size
    console.log(
      JSON.stringify({
        source: 'storage',
        kills: KILLS,
        acknowledged: FILES,
        settled,
        lost: FILES - settled,
        duplicates,
      }),
    )
    expect((await metricsOf(gateway)).get('headgate_dead_letters')).toBe(0)
    await sink.end()
    // As many as may be on their way at a kill: delivered, and that is not on disk yet, or not confirmed by the subscriber.
    expect(duplicates).toBeLessThanOrEqual(KILLS * 1_024)
  })
})
