/** A schedule reaches a function, each tick once, also across a restart. */

import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'
import { Client } from './client.ts'

const config = `
sources:
  seconds: { cron: { schedule: "* * * * * *", timezone: UTC, catch_up: 1m, data: { greeting: tick } }, as: { type: data.greeting, subject: data.missing } }
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  ticks: { from: seconds, to: [echo, "mqtt:ticks"] }
`
const session = { clientId: 'clock', clean: false, properties: { sessionExpiryInterval: 3_600 } } as const

test('a tick each second is an event that a function handles; what was missed is made up for, each slot once', async () => {
  await using gateway = await startGateway({ config })
  const slots: string[] = []
  {
    await using client = await Client.connect(gateway, session)
    await client.subscribe('ticks')
    const tick = await client.receive('ticks', { count: 2 })
    expect(tick.text).toBe('{"greeting":"tick"}')
    expect(tick.user).toMatchObject({
      specversion: '1.0',
      id: expect.stringContaining('seconds'),
      type: 'tick',
    })
    await eventually(() => gateway.output().includes('its as gave no value'), { what: 'the missing subject is told' })
    expect(gateway.output().match(/its as gave no value/g)).toHaveLength(1)
    slots.push(...client.on('ticks').map(({ user }) => user['id'] ?? ''))
  }
  await gateway.kill()
  await gateway.restart()
  await using client = await Client.connect(gateway, session)
  const ticks = () => [...slots, ...client.on('ticks').map(({ user }) => user['id'] ?? '')]
  await eventually(() => ticks().length >= slots.length + 3, { what: 'the ticks go on', withinMs: 20_000 })
  const times = [...new Set(ticks())]
    .map((id) => Date.parse(/\d{4}-[^/]*Z/.exec(id)?.[0] ?? ''))
    .toSorted((a, b) => a - b)
  const first = times[0] ?? 0
  expect(times).toEqual(times.map((_, index) => first + index * 1_000))
  await eventually(
    async () => {
      const text = await fetch(`http://127.0.0.1:${gateway.admin}/metrics`).then((response) => response.text())
      return /wasm_function_invocations_total\{function="echo"\} [1-9]/.test(text)
    },
    { what: 'the function has handled ticks' },
  )
})
