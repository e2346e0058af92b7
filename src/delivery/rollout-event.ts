/** The event by which the gateway tells what was decided of a version. */

import type { CloudEvent } from '../event/index.ts'
import type { Decision } from './rollout.ts'

/** What routes take it from. */
export const ROLLOUT_SOURCE = 'gateway'

/** The same decision makes the same event: `headgate.version.promoted` or `headgate.version.rolledback`. */
export function rolloutEvent({ at, told: _, of: configured, ...decision }: Decision): CloudEvent {
  const { candidate, decided, route } = decision
  return {
    specversion: '1.0',
    id: `${candidate}/${at}`,
    source: `/headgate/routes/${route}`,
    type: `headgate.version.${decided}`,
    subject: candidate,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    data: Buffer.from(JSON.stringify({ ...decision, configured })),
  }
}
