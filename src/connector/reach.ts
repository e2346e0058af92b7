/** Which addresses may be dialled for others: public ones, and those that the operator allows. Asked when it connects. */

import { isIP, type LookupFunction } from 'node:net'
// Reads every way to write an address and knows the registries of special ones; net.BlockList knows neither.
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** The only part of IPv6 that is handed out for global unicast (IANA). */
const GLOBAL_V6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

const WORDS: Readonly<Record<string, string>> = {
  carrierGradeNat: 'a shared (CGNAT)',
  linkLocal: 'a link-local',
  loopback: 'a loopback',
  multicast: 'a multicast',
  private: 'a private',
  uniqueLocal: 'a private',
  unspecified: 'the unspecified',
}

/** Thrown in place of a connection. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

export class Reach {
  readonly #hosts: ReadonlySet<string>
  readonly #ranges: readonly [Address, number][]

  readonly #hint: string

  /** `allow` holds host names, addresses and CIDR ranges; `hint` says how one is allowed. */
  constructor(allow: readonly string[], hint = 'list it under allow if that is meant') {
    this.#hint = hint
    const isRange = (text: string) => ipaddr.isValid(text) || ipaddr.isValidCIDR(text)
    this.#hosts = new Set(allow.filter((text) => !isRange(text)).map((text) => text.toLowerCase()))
    this.#ranges = allow.filter(isRange).map((text) => (text.includes('/') ? ipaddr.parseCIDR(text) : only(text)))
  }

  /** Says why an address that a host has is not dialled; undefined when it is. */
  refusal(host: string, text: string): string | undefined {
    if (this.#hosts.has(host.toLowerCase())) return undefined
    // An IPv4 address mapped into IPv6 is that IPv4 address.
    const address = ipaddr.process(text)
    const allowed = this.#ranges.some(
      (range) =>
        range[0].kind() === address.kind() && address.match(range as [ipaddr.IPv4, number] & [ipaddr.IPv6, number]),
    )
    if (allowed || isPublic(address)) return undefined
    const what = WORDS[address.range()] ?? 'a reserved'
    return `"${host}" is at ${text}, ${what} address; ${this.#hint}`
  }
}

/** Wraps a resolver: what it gives back is what is dialled, so that a name cannot mean another address a moment later. */
export const lookupWithin =
  (reach: Reach, lookup: LookupFunction): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const all = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
      const open = all.filter(({ address }) => reach.refusal(hostname, address) === undefined)
      const [first] = open
      if (first === undefined) callback(new AddressRefused(why(reach, hostname, all[0]?.address)), '')
      else if (options.all) callback(null, open)
      else callback(null, first.address, first.family)
    })
  }

const why = (reach: Reach, host: string, address: string | undefined): string =>
  (address === undefined ? undefined : reach.refusal(host, address)) ?? `"${host}" has no address`

const isPublic = (address: Address): boolean =>
  address.range() === 'unicast' && (address instanceof ipaddr.IPv4 || address.match(GLOBAL_V6))

const only = (text: string): [Address, number] => {
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
