/** `headgate why` of what is not settled: in a whole gateway, each form says what it waits for, and until when. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Receiver } from '../../services/receiver.ts'
import { sharedByTests } from '../../services/tries.ts'
import { type Gateway, headgate, runGateway, type Scratch, scratch, until } from './gateway.ts'

let folder: Scratch
let gateway: Gateway
let receiver: Receiver

const config = (port: number): string => {
  const sink = (path: string) => `{ http: { url: "http://127.0.0.1:${port}/${path}", allow: [127.0.0.1] } }`
  return `log: { level: error }
sinks:
  gone: ${sink('gone')}
  down: ${sink('down')}
  slow: ${sink('slow')}
routes:
  gone: { from: http:POST /gone, to: gone }
  breaker: { from: http:POST /breaker, to: down, retry: { max: 9, delay: 50ms }, breaker: { failures: 1, open: 1h } }
  retry: { from: http:POST /retry, to: down, retry: { max: 9, delay: 1h, cap: 1h, jitter: none } }
  ordered: { from: http:POST /ordered, to: slow, order_by: data.key }
  keyed: { from: http:POST /keyed, to: slow, concurrency: { limit: 1, key: data.key } }
  full: { from: http:POST /full, to: slow, concurrency: 1 }
  rate: { from: http:POST /rate, to: mqtt:out, rate: { limit: 1, per: 1h, key: data.key } }
  batch: { from: http:POST /batch, to: mqtt:out, batch: { max: 10, wait: 1h } }
  delay: { from: http:POST /delay, to: mqtt:out, delay: 1h }
  debounce: { from: http:POST /debounce, to: mqtt:out, debounce: { key: data.key, wait: 1h } }
`
}

sharedByTests(async () => {
  folder = scratch()
  receiver = await Receiver.open(({ path }) => {
    if (path === '/slow') return 'never'
    return { status: path === '/gone' ? 410 : 503 }
  })
  gateway = await runGateway(folder.file('waiting.yaml', config(receiver.port)), join(folder.path, 'data'))
  return async () => {
    await gateway[Symbol.asyncDispose]()
    await receiver[Symbol.asyncDispose]()
    folder.remove()
  }
})

/** Resolves to the callId. */
async function send(path: string, key = 'ada'): Promise<string> {
  const response = await fetch(`http://${gateway.http[1]}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'respond-async' },
    body: JSON.stringify({ key }),
  })
  expect(response.status).toBe(202)
  return response.headers.get('location')?.split('/').at(-1) ?? ''
}

const why = async (id: string): Promise<string> => (await headgate(['why', id, ...gateway.admin])).out

const UNTIL = String.raw`until \d{4}-\S+Z \(in (?:1 h|60 min|\d\d min)\)`

test.each([
  ['delay', 1, `waits for its delay, ${UNTIL}`],
  ['debounce', 1, `waits for its debounce: a later event of the same key would take its place, ${UNTIL}`],
  ['batch', 2, `waits for its batch: 2 of 10 have come, ${UNTIL}`],
  ['rate', 2, `waits for its rate of 1 in 3600 s for the key "ada", ${UNTIL}`],
  ['keyed', 2, `waits for the one place of the key "ada" \\("concurrency"\\)`],
  ['full', 2, 'waits for the one place of its target'],
  ['ordered', 2, 'waits for an earlier one with the same "order_by" \\("ada"\\): \\S+, which is under way'],
  ['retry', 1, `to be tried again after 1 attempt, next at \\S+Z \\(in .*\\): SINK_UNAVAILABLE: .*503`],
  [
    'breaker',
    1,
    `waits after 1 attempt for its breaker, which is open: .*503.*, ${UNTIL}; the last attempt failed: SINK_`,
  ],
  ['gone', 2, 'waits for its sink, which is gone: .*410'],
])('%s', async (path, events, line) => {
  let last = ''
  for (let n = 0; n < events; n += 1) last = await send(path)
  let told = ''
  await until(`${path}: ${line}`, 30_000, async () => {
    told = await why(last)
    return new RegExp(`${path} -> \\S+ +${line}`).test(told)
  }).catch((error: unknown) => expect.fail(`${error}\n${told}`))
})

test('one that runs says for how long, and one that waits for a sink what to do', async () => {
  const running = await send('keyed', 'bob')
  await until('it runs', 30_000, async () =>
    /keyed -> slow +runs attempt 1, for \S+ m?s by now/.test(await why(running)),
  )
  const id = await send('gone')
  await until('it is held', 30_000, async () => (await why(id)).includes('next: '))
  expect(await why(id)).toMatch(/next: change the sink and reload, or run: headgate resume gone\n$/)
})
