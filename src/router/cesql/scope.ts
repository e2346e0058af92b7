/** What the closures of an expression are given, and the error of one that takes too long. */

import type { CloudEvent } from '../../event/index.ts'
import { MAX_STEPS, type Meter } from './like.ts'
import { fault, type Outcome } from './value.ts'

/** What an evaluation reads, and what it has taken so far. */
export interface Scope extends Meter {
  readonly event: CloudEvent
}

/** A part of an expression, compiled. Never throws. */
export type Run = (scope: Scope) => Outcome

export const TOO_MANY = fault('generic', false, `the evaluation takes more than ${MAX_STEPS} steps`)
