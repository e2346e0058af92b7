/** What the HTTP face would emit for a request, without a listener: for tests of a configuration. */

import {
  CALL_EXTENSIONS,
  type CloudEvent,
  type Context,
  extension,
  httpMode,
  type Offer,
  parseHttpEvents,
  type TrialRequest,
  uuidv7,
  withExtensions,
} from '#connector'
import type { HttpConfig } from './config.ts'
import { callName } from './names.ts'
import { checkCallNames, idempotencyKey, normalizeCall, normalizeRequest, traced } from './normalize.ts'
import { readPreferences } from './prefer.ts'
import { refuse } from './problem.ts'

/** Events of POST /events as they are; of any other request the one call that it is. Throws EVENT_INVALID. */
export function trial(request: TrialRequest, { wait }: HttpConfig, context: Context): [CloudEvent, Offer][] {
  const { headers, method, path } = request
  const made = (event: CloudEvent): CloudEvent => traced(checkCallNames(event, context), headers)
  if (path === '/events') {
    if (httpMode(headers) === undefined)
      throw refuse('EVENT_INVALID', context.name, 'reading the request: no CloudEvent')
    return parseHttpEvents(headers, request.body).map((event) => [made(event), { address: `${method} /events` }])
  }
  const now = context.clock?.now() ?? Date.now()
  const given = { name: context.name, id: uuidv7(), now }
  const name = path.startsWith('/call/') ? callName(path) : undefined
  const event = name === undefined ? normalizeRequest(request, given) : normalizeCall(request, given, name)
  const named = extension(event, CALL_EXTENSIONS.callId)
  const { respondAsync, waitMs = wait } = readPreferences(headers['prefer'])
  const call = withExtensions(made(event), {
    [CALL_EXTENSIONS.callId]: named ?? given.id,
    [CALL_EXTENSIONS.replyForm]: 'http',
    ...(respondAsync ? {} : { [CALL_EXTENSIONS.deadline]: new Date(now + waitMs).toISOString() }),
  })
  const once = !respondAsync && named === undefined && idempotencyKey(headers) === undefined
  return [[call, { address: `${method} ${name === undefined ? path : `/call/${name}`}`, direct: once }]]
}
