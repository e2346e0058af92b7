/** What a guest asks for and is not given: it is told so in the terms of the interface, or trapped where there are none. */

import { flow, type Wanted } from '../grants.ts'
import type { Entry, Lack } from '../pool.ts'

/** Gets the name of what was called, and what would have had to be granted, where that can be. */
export type Denied = (what: string, wanted?: Wanted) => void

/** What is told of a denial. */
export function lackOf(what: string, entry: Entry, wanted: Wanted | undefined): Lack {
  const message = `denied ${what}: ${adviceOf(entry, wanted)}`
  return wanted && 'allow' in wanted ? { message, allow: wanted.allow } : { message }
}

/** The line that would allow it, where there is one. */
function adviceOf({ key, wasm }: Entry, wanted: Wanted | undefined): string {
  if (wanted === undefined) return `no option under functions.${key} allows it in this version`
  if ('why' in wanted) return `${wanted.why}, and no option under functions.${key} allows that`
  const refused = `functions.${key} is not allowed it`
  const line = `allow: ${flow(wanted.allow)}`
  if (wasm === undefined) return `${refused}; write there: ${line}`
  const name = /^[\w@.-]+$/.test(key) ? key : JSON.stringify(key)
  return `${refused}; write under functions: ${name}: { wasm: ${JSON.stringify(wasm)}, ${line} }`
}

/** What each of these throws is the error that its interface has for this. */
const ERRORS: Readonly<Record<string, unknown>> = {
  'wasi:http/outgoing-handler#handle': { tag: 'HTTP-request-denied' },
  'wasi:sockets/tcp-create-socket#createTcpSocket': 'access-denied',
  'wasi:sockets/udp-create-socket#createUdpSocket': 'access-denied',
  'wasi:sockets/ip-name-lookup#resolveAddresses': 'access-denied',
}

/** Returns the interfaces that are known, by their names without a version, with what they lack filled in. */
export const denyingAll = (
  known: (name: string) => object | undefined,
  denied: Denied,
): Readonly<Record<string, object>> =>
  new Proxy({}, { get: (_, name) => denying(String(name), known(String(name)) ?? {}, denied) })

/** Fills in what an interface lacks: a class that cannot be made, a function that is refused and names itself. */
const denying = (name: string, known: object, denied: Denied): object =>
  new Proxy(known, {
    get: (target, key) => own(target, key) ?? refusing(`${name}#${String(key)}`, String(key), denied),
  })

/** Not what every object inherits: a guest may import "constructor". */
export const own = (object: object, key: PropertyKey): object | undefined =>
  Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined

function refusing(what: string, key: string, denied: Denied): object {
  // A capital names a resource, of which there is none: jco wants a class for `instanceof` and for its methods.
  if (/^[A-Z]/.test(key)) return class {}
  return () => {
    denied(what)
    if (what in ERRORS) throw ERRORS[what]
    throw new WebAssembly.RuntimeError(`called ${what}, which is not allowed`)
  }
}
