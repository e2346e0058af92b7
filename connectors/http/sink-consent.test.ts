/** The handshake of webhooks: nothing is delivered that the receiver has not allowed. */

import { describe, expect, test } from 'vitest'
import { event, open } from './sink-harness.ts'

describe('validate', () => {
  const validate = { origin: 'Gateway.example', rate: 120 }

  test.each(['*', 'gateway.example'])(
    'allowed for %s: asked once, then each delivery says who it is',
    async (allowed) => {
      await using to = await open(
        ({ method }) =>
          method === 'OPTIONS'
            ? { status: 405, headers: { 'webhook-allowed-origin': allowed, 'webhook-allowed-rate': '60' } }
            : { status: 204 },
        { validate, headers: { Authorization: 'Bearer t0ken' } },
      )
      await to.deliver()
      await to.deliver({ ...event, id: 'e2' })
      expect(to.receiver.received.map(({ method }) => method)).toEqual(['OPTIONS', 'POST', 'POST'])
      const [asked, first] = to.receiver.received
      expect(asked?.headers).toMatchObject({
        'webhook-request-origin': 'Gateway.example',
        'webhook-request-rate': '120',
      })
      expect(asked?.headers).not.toHaveProperty('authorization')
      expect(first?.headers).toMatchObject({
        'webhook-request-origin': 'Gateway.example',
        authorization: 'Bearer t0ken',
      })
      expect(to.log.lines).toMatchObject([
        { level: 'info', message: expect.stringContaining('60 deliveries a minute') },
      ])
    },
  )

  test.each([{}, { 'webhook-allowed-origin': 'other.example' }])(
    'not allowed by %j: nothing is sent',
    async (headers) => {
      let consent: Record<string, string> = headers
      await using to = await open(({ method }) => ({ status: 200, headers: method === 'OPTIONS' ? consent : {} }), {
        validate,
      })
      const error = await to.fails()
      expect(error).toMatchObject({ code: 'SINK_UNAVAILABLE' })
      expect(error.message).toContain('did not allow the origin "Gateway.example"')
      expect(to.receiver.received.map(({ method }) => method)).toEqual(['OPTIONS'])
      consent = { 'webhook-allowed-origin': '*' }
      await to.deliver()
    },
  )
})
