/** Makes a journal that was closed in order: half of its deliveries settled, half due. */

import { openJournal } from '../../../src/journal/index.ts'
import { LANE, SETTINGS } from './ledger.ts'

/** Event n is named `e-n`, its call `c-n`; the even ones are settled. Their data repeats the name. */
export async function makeSoundJournal(path: string, events: number): Promise<void> {
  await using journal = await openJournal({ path, ...SETTINGS })
  const claim = journal.claim(LANE, new AbortController().signal)
  const append = (n: number) => {
    const data = Buffer.alloc(300, `e-${n}`)
    const event = { specversion: '1.0', id: `e-${n}`, source: '/sound', type: 'made', data } as const
    return journal.append({ event, origin: { source: 'test', address: '' }, callId: `c-${n}`, routes: [LANE] })
  }
  for (let n = 0; n < events; n += 4) await Promise.all([0, 1, 2, 3].map((more) => append(n + more)))
  for (let n = 0; n < events; n++) {
    const { value } = await claim.next()
    if (value && n % 2 === 0) await journal.settle(value, { status: 'done' })
  }
}
