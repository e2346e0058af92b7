/** A route as one sentence. */

import type { From, RetryPolicy, Route, Target } from '../router/route.ts'
import type { Paint } from './terminal.ts'

/** `from mqtt:sensors/+ when data.celsius > 80 to echo, tried again 5 times over at most 31s`. */
export function sentence(route: Route, paint: Paint): string {
  const { concurrency, deadLetter, delivery, fallback, filters = [], orderBy, retry, when } = route
  const word = (text: string): string => paint('dim', text)
  const parts = [
    `${word('from')} ${list(route.from.map(fromText))}`,
    ...(when === undefined ? [] : [`${word('when')} ${when.trim().replace(/\s+/g, ' ')}`]),
    ...(filters.length === 0
      ? []
      : [`${word('where')} ${filters.length === 1 ? 'its filter passes' : `its ${filters.length} filters pass`}`]),
    ...(route.default ? [word('when no other route takes it')] : []),
    `${word(route.transforms?.event === undefined ? 'to' : 'transformed to')} ${targetsText(route)}`,
  ]
  const clauses = [
    parts.join(' '),
    ...(orderBy === undefined ? [] : [`${word('in order of')} ${orderBy}`]),
    ...(concurrency === 1 ? [word('one at a time')] : []),
    ...(delivery === 'direct' ? [word('not journaled')] : [word(retryText(retry))]),
    ...(fallback === undefined ? [] : [`${word('else to')} ${targetText(fallback)}`]),
    ...(deadLetter === undefined ? [] : [`${word('then to')} ${targetText(deadLetter)}`]),
  ]
  return clauses.join(word(', '))
}

const list = (names: readonly string[]): string => names.join(', ')

/** A source as it is written in a route. */
export function fromText(from: From): string {
  switch (from.kind) {
    case 'any':
      return 'anywhere'
    case 'source':
      return from.address === undefined ? from.source : `${from.source}:${from.address}`
    case 'mqtt':
      return `mqtt:${from.filter}`
    case 'http':
      return `http:${from.method} ${from.path}`
  }
}

/** `resize@2 (90 %) or resize@3 (10 %)` where there are weights. */
function targetsText({ to, weights }: Route): string {
  if (!weights) return list(to.map(targetText))
  const whole = weights.reduce((sum, weight) => sum + weight, 0)
  const share = (at: number): number => Math.round(((weights[at] ?? 0) / whole) * 1_000) / 10
  return to.map((target, at) => `${targetText(target)} (${share(at)} %)`).join(' or ')
}

const targetText = ({ text }: Target): string => text

function retryText({ max }: RetryPolicy): string {
  if (max === 0) return 'tried once'
  return max === 1 ? 'tried again once' : `tried again ${max} times`
}
