/** The handshake that protects others from being flooded: asks whoever is there whether deliveries are wanted. */

import type { Dispatcher } from 'undici'
import type { HttpSinkConfig } from './sink-config.ts'

/** Thrown in place of a delivery. */
export class NoConsent extends Error {
  override readonly name = 'NoConsent'
}

/**
 * Sends the validation request (CloudEvents webhook, 4.1), without credentials: it may go to somebody who expects none of
 * this. Resolves with the deliveries a minute that are allowed, undefined for any; rejects with `NoConsent` when the answer
 * does not say that this origin is.
 */
export async function askConsent(
  agent: Dispatcher,
  { origin, pathname, search }: URL,
  { origin: sender, rate }: NonNullable<HttpSinkConfig['validate']>,
  signal: AbortSignal,
): Promise<number | undefined> {
  const asked = { 'user-agent': 'headgate', 'webhook-request-origin': sender }
  const headers = rate === undefined ? asked : { ...asked, 'webhook-request-rate': String(rate) }
  const answer = await agent.request({ origin, path: `${pathname}${search}`, method: 'OPTIONS', headers, signal })
  await answer.body.dump({ limit: 65_536 })
  const allowed = [answer.headers['webhook-allowed-origin']].flat()[0]?.trim().toLowerCase()
  // The status alone is no consent, one way or the other (4.2).
  if (allowed !== '*' && allowed !== sender.toLowerCase())
    throw new NoConsent(
      `it answered the validation request with ${answer.statusCode} and did not allow the origin "${sender}"; ask its operator to, or take validate away`,
    )
  const most = Number([answer.headers['webhook-allowed-rate']].flat()[0])
  return Number.isInteger(most) && most > 0 ? most : undefined
}
