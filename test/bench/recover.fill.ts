/** Program: fills a journal with due deliveries of 1 KiB and ends as in a power cut of the process: by SIGKILL. */

import { openJournal } from '../../src/journal/lmdb.ts'
import { LANE } from './recover.ts'

const [path = '', count = '0'] = process.argv.slice(2)
const AT_ONCE = 2_000
const DAY_MS = 86_400_000

const journal = await openJournal({ path, retainMs: DAY_MS, maxBytes: 64 * 2 ** 30 })
const data = Buffer.alloc(1024, 'x')
const origin = { source: 'mqtt', address: 'recover' }
const attributes = {
  specversion: '1.0',
  source: '/bench',
  type: 'bench.due',
  datacontenttype: 'text/plain',
  data,
} as const

for (let from = 0; from < Number(count); from += AT_ONCE) {
  const ids = Array.from({ length: Math.min(AT_ONCE, Number(count) - from) }, (_, i) => `due-${from + i}`)
  const append = (id: string) => journal.append({ event: { ...attributes, id }, origin, callId: id, routes: [LANE] })
  await Promise.all(ids.map(append))
}
process.kill(process.pid, 'SIGKILL')
