/** Answers a price in another currency, and emits `price.converted`; the rate is asked for over HTTP, and kept for a while. */

import { config, dataOf, define, emit, json, Rejected, store, TryAgain } from '../js/kit.js'

export const handle = define(async (event) => {
  if (event.type === 'headgate.warmup') return
  const { amount, currency } = dataOf(event) ?? {}
  if (!(amount >= 0)) throw new Rejected('validation', 'PRICE_INVALID', 'amount is not a number of 0 or more')
  if (!/^[A-Z]{3}$/.test(currency)) throw new Rejected('validation', 'PRICE_INVALID', 'currency is not such as "EUR"')

  const target = config('currency') ?? 'EUR'
  const price = { amount: Math.round(amount * (await rateOf(currency, target)) * 100) / 100, currency: target }
  return {
    reply: json(price),
    // The same id on every attempt: whoever takes it can tell a repeated one.
    events: [emit('/functions/price-converter', 'price.converted', `${event.id}/converted`, price)],
  }
})

async function rateOf(from, to) {
  if (from === to) return 1
  const rates = store('rates')
  const kept = rates.json(`${from}/${to}`)
  if (kept && Date.now() < kept.until) return kept.rate

  const answer = await fetch(`${config('rates')}/${from}/${to}`, { signal: AbortSignal.timeout(2_000) })
  if (answer.status === 404) throw new Rejected('business', 'NO_RATE', `nobody has a rate from ${from} to ${to}`)
  if (!answer.ok) throw new TryAgain(`the rates answered with ${answer.status}`, 1_000)
  const { rate } = await answer.json()

  rates.set(`${from}/${to}`, { rate, until: Date.now() + Number(config('keep_seconds') ?? 60) * 1_000 })
  console.info(`rate ${from}/${to} is ${rate}, asked for ${rates.increment('asked')} times`)
  return rate
}
