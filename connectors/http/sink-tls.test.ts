/** Certificates are verified: to whoever cannot show one that is trusted, nothing is sent. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { describeWith } from '../../test/services/service.ts'
import { HttpSink } from './sink.ts'
import { httpSinkConfig } from './sink-config.ts'

/** A key, and a certificate for 127.0.0.1 that nobody but itself vouches for. */
function selfSigned(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tls-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
    const made = spawnSync('openssl', ['req', '-x509', ...curve, '-nodes', '-keyout', key, '-out', cert, ...name])
    expect(made.status, `${made.stderr}`).toBe(0)
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describeWith(['openssl'], 'a receiver with a certificate of its own making', () => {
  test('gets nothing; the delivery is one to try again', async () => {
    let requests = 0
    const server = createServer(selfSigned(), (_request, response) => {
      requests += 1
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/in`
    const sink = new HttpSink(httpSinkConfig.parse({ url, allow: ['127.0.0.1'] }), memoryContext())
    const signal = AbortSignal.timeout(10_000)
    await sink.start(signal)
    const delivery = sink.deliver({ specversion: '1.0', id: '1', source: '/s', type: 't' }, signal)
    await expect(delivery).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      message: expect.stringContaining('self-signed certificate'),
    })
    expect(requests).toBe(0)
    await sink.stop()
    server.close()
    await once(server, 'close')
  })
})
