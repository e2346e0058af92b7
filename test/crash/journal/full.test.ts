/** Row 7: the disk is full. Nothing is acknowledged then; once there is room the journal goes on, and has lost nothing. */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openJournal } from '../../../src/journal/index.ts'
import type { Appended, Journal } from '../../../src/journal/journal.ts'
import { eventually } from '../../services/eventually.ts'
import { describeWith } from '../../services/service.ts'
import { LANE, newFolder, SETTINGS } from './ledger.ts'

function mount(path: string): Disposable {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path])
  return { [Symbol.dispose]: () => void execFileSync('umount', [path]) }
}

const append = (journal: Journal, id: string): Promise<Appended> => {
  const event = { specversion: '1.0', id, source: '/full', type: 'made', data: Buffer.alloc(4_096, id) } as const
  return journal.append({ event, origin: { source: 'test', address: '' }, callId: `c-${id}`, routes: [LANE] })
}

describeWith(['tmpfs'], 'a full disk', () => {
  test('gives JOURNAL_FULL and no acknowledgement, settles wait, and all goes on when there is room', async () => {
    using folder = newFolder()
    using _disk = mount(folder.path)
    const path = join(folder.path, 'journal')
    const accepted = new Set<string>()
    const refused = new Map<string, number>()
    const offer = async (journal: Journal, id: string) => {
      await append(journal, id).then(
        () => accepted.add(id),
        (error: unknown) => {
          const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
          refused.set(code, (refused.get(code) ?? 0) + 1)
        },
      )
    }
    const journal = await openJournal({ path, ...SETTINGS })
    const claim = journal.claim(LANE, new AbortController().signal)
    for (let n = 0; refused.size === 0 && n < 4_000; n += 16)
      await Promise.all(Array.from({ length: 16 }, (_, i) => offer(journal, `e-${n + i}`)))
    expect([...refused.keys()]).toEqual(['JOURNAL_FULL'])
    expect(accepted.size).toBeGreaterThan(500)
    const { value } = await claim.next()
    const settled = value && journal.settle(value, { status: 'done' })

    execFileSync('mount', ['-o', 'remount,size=64m', folder.path])
    const freed = performance.now()
    const before = accepted.size
    await eventually(() => offer(journal, `later-${Math.random()}`).then(() => accepted.size > before), {
      what: 'appends are accepted again',
      withinMs: 5_000,
    })
    const resumedMs = Math.round(performance.now() - freed)
    await settled
    await journal[Symbol.asyncDispose]()

    await using again = await openJournal({ path, ...SETTINGS })
    let found = 0
    for (const id of accepted) if (await again.find({ callId: `c-${id}` })) found++
    const refusals = [...refused].flat().join(' ')
    console.log(
      `disk full: acknowledged ${accepted.size}, found ${found}, refused ${refusals}, resumed after ${resumedMs} ms`,
    )
    expect(found).toBe(accepted.size)
    expect(again.stats().pending).toBe(accepted.size - 1)
  })
})
