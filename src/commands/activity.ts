/** One line of `tail`, for people. */

import { failureText, place } from './history.ts'
import type { Activity } from './records.ts'
import { counted, type Paint, shown } from './terminal.ts'

type Settled = Activity & { readonly kind: 'settled' }

/** `12:03:07.120  accepted  order.created 7 from mqtt:orders/eu for billing`. */
export function activityLine(seen: Activity, paint: Paint): string {
  const at = paint('dim', seen.time.toISOString().slice(11, 23))
  if (seen.kind === 'skipped')
    return `${at}  ${paint('yellow', `${counted(seen.lines, 'line')} left out: too many at once`)}`
  const what = `${shown(seen.event.type)} ${shown(seen.event.id)}`
  switch (seen.kind) {
    case 'unmatched':
      return `${at}  ${paint('yellow', 'no route')}  ${what} from ${place(seen.origin)}`
    case 'accepted':
      return seen.duplicate
        ? `${at}  ${paint('dim', 'repeated')}  ${what} from ${place(seen.origin)}; it is held already`
        : `${at}  accepted  ${what} from ${place(seen.origin)} for ${seen.routes.join(', ') || 'none'}${leftOut(seen)}`
    case 'settled':
      return `${at}  ${outcome(seen, paint)}  ${what} by ${seen.route} -> ${seen.to}${seen.fallback === undefined ? '' : `, its fallback ${seen.fallback},`}${details(seen)}`
  }
}

const leftOut = ({ repeated }: Activity & { readonly kind: 'accepted' }): string =>
  repeated === undefined ? '' : `; left out by ${repeated.join(', ')}, as repeated`

/** As wide as `accepted`, so that what follows stands under each other. */
const outcome = ({ outcome }: Settled, paint: Paint): string =>
  paint(({ done: 'green', retry: 'yellow', dead: 'red' } as const)[outcome], outcome.padEnd(8))

function details({ attempt, error, retryInMs, tookMs }: Settled): string {
  const tries = attempt > 1 ? `, attempt ${attempt}` : ''
  const next = retryInMs === undefined ? '' : `, again in ${Math.round(retryInMs)} ms`
  const reason = error === undefined ? '' : `: ${failureText(error)}`
  return ` in ${tookMs < 10 ? tookMs.toFixed(1) : Math.round(tookMs)} ms${tries}${next}${reason}`
}
