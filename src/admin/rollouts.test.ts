/** The paths of rollouts, before a gateway that has none, and no folder. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { Bench } from './harness.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench[Symbol.asyncDispose]())

test('what canaries count is JSON', async () => {
  const response = await bench.get('/metrics/canary')
  expect([response.status, await response.json()]).toEqual([200, { routes: [] }])
})

test.each(['promote', 'rollback'])('%s of what has no weights is a problem that says what has', async (verb) => {
  const response = await bench.post(`/admin/functions/${verb}`, { what: 'orders' })
  expect(response.status).toBe(404)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(await response.json()).toMatchObject({
    code: 'ROLLOUT_UNKNOWN',
    detail: expect.stringMatching(/neither a route that has weights .* no route has weights: write its "to" as/),
  })
})

const put = (name: string, type: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`http://${bench.admin.address}/admin/functions/${name}`, {
    method: 'PUT',
    headers: { 'content-type': type, ...headers },
    body: '\0asm',
  })

test.each([
  ['without a folder', put, ['f@1', 'application/wasm'], 409, 'DEPLOY_UNAVAILABLE'],
  ['without a version', put, ['f', 'application/wasm'], 400, 'REQUEST_INVALID'],
  [
    'by a page of another site',
    put,
    ['f@1', 'application/wasm', { origin: 'http://a.example' }],
    403,
    'ORIGIN_REFUSED',
  ],
] as const)('a deployment %s is refused', async (_, send, [name, type, headers], status, code) => {
  const response = await send(name, type, headers)
  expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })])
})

test('a deployment without a folder is told by its name, with what to start', async () => {
  const { detail } = z.object({ detail: z.string() }).parse(await (await put('f@1', 'application/wasm')).json())
  expect(detail).toBe(
    'f@1 (function): deploying: the gateway has no folder of functions to put it in; start it with --functions <folder>',
  )
})
