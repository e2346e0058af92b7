/** Row 30 of the fault matrix, on the whole gateway: a file of ten thousand routes, wrong or right, is read while calls are answered. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Client, eventOf, post } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'

const ROUTES = 10_000
const CALL = 'routes:\n  call: { from: "http:POST /x", to: echo, delivery: direct }\n'
/** Each with an expression of its own, half to a function and half to a topic. */
const many = (key: string): string =>
  Array.from({ length: ROUTES }, (_, at) => {
    const to = at % 2 === 0 ? 'echo' : `"mqtt:out/${at}"`
    return `  r${at}: { from: "mqtt:a/${at}", when: 'type == "t" && id != "${at}"', ${key}: ${to} }\n`
  }).join('')

/**
 * The longest that a call may take meanwhile. Read on the loop itself, such a file held all up for 2.9 s when it is right
 * and 5.8 s when it is wrong, and looking for the versions of ten thousand routes to a function for 14 s; now it is read in
 * a thread, and compiled, opened and taken piece by piece: 50 to 110 ms on a busy machine.
 */
const LONGEST_MS = 1_500

test('row 30: ten thousand routes, wrong or right: told in good time, and calls go on meanwhile', async () => {
  await using gateway = await startGateway({ config: `functions: { echo: FUNCTIONS/echo/echo.wasm }\n${CALL}` })
  const file = `${gateway.folder}/headgate.yaml`
  const small = readFileSync(file, 'utf8')
  let running = true
  let longest = 0
  let calls = 0
  const call = async () => {
    while (running) {
      const begun = performance.now()
      expect((await post(gateway.http, '/x', {})).status).toBe(200)
      longest = Math.max(longest, performance.now() - begun)
      calls += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const lanes = [call(), call()]
  const replace = async (text: string, told: RegExp) => {
    longest = 0
    const begun = performance.now()
    writeFileSync(`${file}.next`, text)
    renameSync(`${file}.next`, file)
    await eventually(() => told.test(gateway.output()), { what: `${told}`, withinMs: 60_000, everyMs: 50 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    return { longestMs: Math.round(longest), toldMs: Math.round(performance.now() - begun) }
  }
  const wrong = await replace(small + many('tto'), /nothing has changed: 50 mistakes in it/)
  const right = await replace(small + many('to'), /reloaded: generation 2 runs/)
  const again = await replace(
    `${small + many('to')}  last: { from: mqtt:z, to: mqtt:y }\n`,
    /reloaded: generation 3 runs/,
  )
  running = false
  await Promise.all(lanes)
  console.log(JSON.stringify({ row: 30, routes: ROUTES, calls, wrong, right, again }))
  await using client = await Client.connect(gateway)
  await client.subscribe(`out/${ROUTES - 1}`)
  const properties = { contentType: 'application/cloudevents+json' }
  await client.publish(`a/${ROUTES - 1}`, eventOf('t'), { properties })
  await client.receive(`out/${ROUTES - 1}`)
  for (const { longestMs } of [wrong, right, again]) expect(longestMs).toBeLessThan(LONGEST_MS)
})
