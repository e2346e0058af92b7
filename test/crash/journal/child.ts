/** Program: appends to a journal and settles from it until it is killed, and says on standard output what it was promised. */

import { writeSync } from 'node:fs'
import { openJournal } from '../../../src/journal/index.ts'
import type { Delivery } from '../../../src/journal/journal.ts'

const [path = '', run = '0', count = '1000', width = '16'] = process.argv.slice(2)
const DAY = 86_400_000
const LANE = { route: 'ledger', to: 'sink' }

/** One write call for each line: it is in the pipe before anything else happens. */
const tell = (line: string): void => {
  writeSync(1, `${line}\n`)
}

const journal = await openJournal({ path, retainMs: DAY, maxBytes: 2 ** 30 }, { log: console })
void journal.failed.then((reason) => tell(`failed ${'code' in reason ? reason.code : reason.message}`))
tell('open')

let next = 0
async function append(): Promise<void> {
  while (next < Number(count)) {
    const id = `${run}-${next++}`
    const data = Buffer.alloc(100 + (next % 7) * 300, id)
    const event = { specversion: '1.0', id, source: '/crash', type: 'ledger', data } as const
    const origin = { source: 'crash', address: '' }
    tell(`offered ${id}`)
    await journal.append({ event, origin, callId: `c-${id}`, routes: [LANE] }).then(
      () => tell(`accepted ${id}`),
      (error: unknown) => tell(`refused ${id} ${error instanceof Error && 'code' in error ? error.code : error}`),
    )
  }
}

/** Settles every other delivery, so that there is something left to find. */
async function settle(delivery: Delivery): Promise<void> {
  tell(`delivered ${delivery.event.id}`)
  if (Number(delivery.event.id.split('-')[1]) % 2 === 0) return
  await journal.settle(delivery, { status: 'done' }).then(
    () => tell(`settled ${delivery.event.id}`),
    () => tell(`unsettled ${delivery.event.id}`),
  )
}

async function consume(): Promise<void> {
  for await (const delivery of journal.claim(LANE, new AbortController().signal)) await settle(delivery)
}

void Promise.all(Array.from({ length: 4 }, consume))
await Promise.all(Array.from({ length: Number(width) }, append))
tell('ended')
await journal[Symbol.asyncDispose]()
process.exit(0)
