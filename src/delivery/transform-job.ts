/** One evaluation of a transform on its way to a process, and the errors that it may end with. */

import { GatewayError } from '../errors.ts'
import type { Asked, Trouble } from './transform-child.ts'
import type { MadeBody, MadeEvent } from './transform-forms.ts'

export interface Job {
  readonly asked: Asked
  /** Begins the message of an error. */
  readonly doing: string
  /** Of `performance.now`: it is not begun later. */
  readonly until: number
  readonly resolve: (made: MadeBody | MadeEvent) => void
  readonly reject: (reason: unknown) => void
}

/** The error of an evaluation. Dead letters of one mistake at one place of an expression are one group. */
export function failure({ code, late, message, position }: Trouble, doing: string): GatewayError {
  const place = [code, position === undefined ? undefined : `at ${position}`].filter((part) => part !== undefined)
  const told = `${doing}: ${message}${place.length === 0 ? '' : ` (${place.join(' ')})`}`
  return new GatewayError(late ? 'TRANSFORM_TIMED_OUT' : 'TRANSFORM_FAILED', told, {
    ...(place.length === 0 ? {} : { fingerprint: place.join(' ') }),
  })
}

/** What does not run any more, as the gateway stops. */
export const stopping = (doing: string): GatewayError => new GatewayError('STOPPING', `${doing}: the gateway stops`)
