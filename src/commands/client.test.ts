/** What an answer of a gateway, or of something else, means for the exit code. */

import { expect, test } from 'vitest'
import { face, refusal } from './client.ts'

const at = face('http://127.0.0.1:8080/', '--http')
const question = { method: 'POST', path: '/events?x=1' }
const problem = (status: number): string =>
  JSON.stringify({ status, code: 'SOME_CODE', detail: 'what is wrong\u001b[2J' })

test.each([
  [400, 1],
  [404, 1],
  [422, 1],
  [408, 3],
  [429, 3],
  [500, 3],
  [503, 3],
])('a problem under status %d ends with %d', (status, exit) => {
  expect(refusal(at, question, status, problem(status))).toMatchObject({
    exit,
    code: 'SOME_CODE',
    message: 'what is wrong\uFFFD[2J',
  })
})

test('an answer of something else says so', () => {
  expect(refusal(at, question, 404, '<html>')).toMatchObject({
    exit: 3,
    message:
      '127.0.0.1:8080 answered 404 to POST /events, and not as a gateway does; say where the gateway listens with --http or HEADGATE_HTTP',
  })
})

test('a face is host:port, or the URL that run prints', () => {
  expect(at).toEqual({ host: '127.0.0.1', port: 8080, flag: '--http' })
  expect(face('[::1]:9090', '--admin')).toEqual({ host: '::1', port: 9090, flag: '--admin' })
  expect(() => face('8080', '--http')).toThrow('--http: "8080" is not host:port')
})
