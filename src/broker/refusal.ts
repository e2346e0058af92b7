/** What a client is told when its publish was not accepted. */

import { type ErrorCode, toGatewayError } from '../errors.ts'

/** MQTT 5 reason codes of PUBACK and PUBREC [MQTT5 3.4.2.1]. */
const IMPLEMENTATION_SPECIFIC = 0x83
const QUOTA_EXCEEDED = 0x97
/** Packet too large (0x95) is for packets, and no reason of an acknowledgement. */
const REASONS: Partial<Record<ErrorCode, number>> = {
  REPLY_TOPIC_REFUSED: 0x87,
  BROKER_FULL: QUOTA_EXCEEDED,
  EVENT_TOO_LARGE: QUOTA_EXCEEDED,
}

export interface Refusal {
  /** With it the publish is answered and over; without one the connection is closed and the client sends it again. */
  readonly reasonCode: number | undefined
  readonly message: string
}

/**
 * A publish refused for good is answered under MQTT 5 with a reason. MQTT 3 has no way to say no, and what may succeed
 * later must come again: there the connection ends without an acknowledgement.
 */
export function refusalOf(thrown: unknown, protocol: number): Refusal {
  const error = toGatewayError(thrown)
  const final = error.disposition === 'reject' && protocol === 5
  return { reasonCode: final ? (REASONS[error.code] ?? IMPLEMENTATION_SPECIFIC) : undefined, message: error.message }
}
