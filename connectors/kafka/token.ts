/** Bearer tokens for SASL: the one that is configured, or fresh ones by OAuth 2's client credentials grant. */

import type { SaslConfig } from './connection-config.ts'

type BearerConfig = Extract<SaslConfig, { readonly mechanism: 'oauthbearer' }>

/** How long a token server may take. Milliseconds. */
const ANSWER_MS = 5_000
/** A token is asked for anew this long before it expires. Milliseconds. */
const MARGIN_MS = 30_000

/** Returns what is asked for a token at each login. It rejects when the token server has none; never with a secret. */
export function tokenProvider(config: BearerConfig): () => Promise<{ value: string }> {
  const { token } = config
  if (token !== undefined) return async () => ({ value: token })
  let held: { readonly value: string; readonly until: number } | undefined
  return async () => {
    if (held === undefined || held.until < Date.now()) held = await grant(config)
    return { value: held.value }
  }
}

async function grant({
  client_id = '',
  client_secret = '',
  scope,
  token_url = '',
}: BearerConfig): Promise<{ value: string; until: number }> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) })
  // RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
  const who = Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')
  const headers = { authorization: `Basic ${who}` }
  const signal = AbortSignal.timeout(ANSWER_MS)
  const response = await fetch(token_url, { method: 'POST', headers, body, signal, redirect: 'error' })
  if (!response.ok) throw new Error(`the token server at "${new URL(token_url).origin}" answered ${response.status}`)
  const answer: unknown = await response.json()
  if (
    typeof answer !== 'object' ||
    answer === null ||
    !('access_token' in answer) ||
    typeof answer.access_token !== 'string'
  )
    throw new Error(`the token server at "${new URL(token_url).origin}" sent no access_token`)
  const seconds = 'expires_in' in answer && typeof answer.expires_in === 'number' ? answer.expires_in : 60
  return { value: answer.access_token, until: Date.now() + Math.max(0, seconds * 1_000 - MARGIN_MS) }
}
