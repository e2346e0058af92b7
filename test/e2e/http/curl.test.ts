/** The HTTP face as curl sees it: the commands that the README shows. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { Face } from '../../../connectors/http/face.ts'
import { describeWith } from '../../services/service.ts'

const run = promisify(execFile)
/** Resolves with status and body; curl ends with an error when no answer comes in ten seconds. */
async function curl(face: Face, path: string, ...args: readonly string[]) {
  const url = `http://${face.source.address}${path}`
  const { stdout } = await run('curl', ['-s', '-m', '10', '-w', '\n%{http_code}', ...args, url])
  const at = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) }
}
const header = (text: string) => ['-H', text]

describeWith(['curl'], 'curl against the HTTP face', () => {
  test('calls a function and gets its reply', async () => {
    await using face = await Face.open()
    face.gateway.reply = ({ data }) => ({ status: 'ok', datacontenttype: 'application/json', ...(data && { data }) })
    const args = [...header('content-type: application/json'), '-d', '{"a": 1.0}']
    expect(await curl(face, '/call/echo', ...args)).toEqual({ status: 200, body: '{"a": 1.0}' })
  })

  test('without a content type it is told which one to send', async () => {
    await using face = await Face.open()
    const { status, body } = await curl(face, '/call/echo', '-d', '{}')
    expect(status).toBe(415)
    expect(JSON.parse(body).detail).toContain('content-type: application/json')
  })

  test('posts an event in binary mode and in structured mode', async () => {
    await using face = await Face.open()
    const attributes = ['ce-specversion: 1.0', 'ce-id: 1', 'ce-source: /shop', 'ce-type: order.created'].flatMap(header)
    const json = header('content-type: application/json')
    expect((await curl(face, '/events', ...attributes, ...json, '-d', '{"orderId":7}')).status).toBe(202)
    const event = '{"specversion":"1.0","id":"2","source":"/shop","type":"order.created","data":{"orderId":7}}'
    const structured = header('content-type: application/cloudevents+json; charset=utf-8')
    expect((await curl(face, '/events', ...structured, '-d', event)).status).toBe(202)
    const data = face.gateway.emitted.map((emitted) => emitted.event.data && Buffer.from(emitted.event.data).toString())
    expect(data).toEqual(['{"orderId":7}', '{"orderId":7}'])
  })

  test('a body above the limit ends with 413, also when curl first asks whether to send it', async () => {
    await using face = await Face.open({ body_limit: '64KiB' })
    const large = `@${process.execPath}`
    const { status } = await curl(face, '/events', ...header('ce-id: 1'), '--data-binary', large)
    expect(status).toBe(413)
  })

  test('over a connection that is kept, a refusal does not disturb what follows', async () => {
    await using face = await Face.open()
    const url = `http://${face.source.address}`
    const { stdout } = await run('curl', [
      '-s',
      '-m',
      '10',
      '-d',
      'x',
      `${url}/events`,
      '--next',
      '-s',
      `${url}/health`,
    ])
    expect(stdout).toContain('"status":415')
    expect(stdout).toContain('{"status":"ok"}')
  })
})
