/** Tells the caller of something that does not exist what does. */

import { GatewayError } from '../errors.ts'
import { type CloudEvent, extension, type Origin } from '../event/index.ts'
import { nearest, readVersioned } from '../schema/index.ts'

/** Returns the error for a call that no route takes. */
export type NoRoute = (event: CloudEvent, origin: Origin) => GatewayError

/** A function of a service, by the name that callers use. */
export interface ServiceName {
  readonly service: string
  readonly as: string
}

const PREFIX = 'service/'
const POST = 'POST /call/'

/** `functions` are those that may be called by name; `services` group several under one name. */
export function createNoRoute(functions: readonly string[], services: readonly ServiceName[]): NoRoute {
  const all = [...functions, ...new Set(services.map(({ service }) => service))]
  const calls = [...functions, ...services.map(({ as, service }) => `${service}/${as}`)]
  return (event, { address, source }) => {
    if (source === 'call') return unknownFunction('service', address, related(address, calls))
    if (source === 'http' && address.startsWith(POST)) {
      const name = address.slice(POST.length)
      return unknownFunction('service', name, related(name, calls))
    }
    if (source !== 'mqtt' || !address.startsWith(PREFIX)) {
      const place = address || source
      return new GatewayError(
        'NO_ROUTE',
        `${place} (call): matching: no route takes it; "headgate explain event" says why`,
      )
    }
    const name = address.slice(PREFIX.length)
    const own = services.filter(({ service }) => service === name).map(({ as }) => as)
    if (own.length > 0) return unknownFunction(name, extension(event, 'function') ?? '', own)
    return unknownFunction('service', name, related(name, all))
  }
}

/** The functions of the service that is named, or the versions of the function; all there are otherwise. */
function related(name: string, known: readonly string[]): readonly string[] {
  const [service = ''] = name.split('/')
  const ofService = known.filter((one) => one.startsWith(`${service}/`))
  if (ofService.length > 0) return ofService
  const { name: base, version } = readVersioned(name)
  const versions = known.filter((one) => readVersioned(one).name === base)
  return version !== undefined && versions.length > 0 ? versions : known
}

function unknownFunction(where: string, name: string, known: readonly string[]): GatewayError {
  const guess = nearest(name, known)
  const hint = guess === undefined ? '' : `; did you mean "${guess}"?`
  const list = known.length === 0 ? 'there is none' : `there is ${known.map((each) => `"${each}"`).join(', ')}`
  return new GatewayError(
    'FUNCTION_UNKNOWN',
    `${where} (call): finding a function: "${name}" is unknown${hint}; ${list}`,
  )
}
