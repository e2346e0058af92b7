/** What may be dialled: public addresses and what is allowed, at the moment of the connection. */

import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { describe, expect, test } from 'vitest'
import { AddressRefused, lookupWithin, Reach } from './reach.ts'

const PUBLIC = ['93.184.216.34', '8.8.8.8', '2606:4700:4700::1111', '::ffff:8.8.8.8']
const REFUSED: readonly (readonly [address: string, what: string])[] = [
  ['127.0.0.1', 'a loopback'],
  ['127.255.255.254', 'a loopback'],
  ['0.0.0.0', 'the unspecified'],
  ['10.0.0.1', 'a private'],
  ['172.16.0.1', 'a private'],
  ['172.31.255.255', 'a private'],
  ['192.168.1.1', 'a private'],
  ['100.64.0.1', 'a shared (CGNAT)'],
  ['169.254.169.254', 'a link-local'],
  ['192.0.2.1', 'a reserved'],
  ['198.18.0.1', 'a reserved'],
  ['224.0.0.1', 'a multicast'],
  ['240.0.0.1', 'a reserved'],
  ['255.255.255.255', 'a reserved'],
  ['::', 'the unspecified'],
  ['::1', 'a loopback'],
  ['::ffff:127.0.0.1', 'a loopback'],
  ['::ffff:a9fe:a9fe', 'a link-local'],
  ['::127.0.0.1', 'a loopback'],
  ['64:ff9b::7f00:1', 'a reserved'],
  ['2002:7f00:1::', 'a reserved'],
  ['fe80::1', 'a link-local'],
  ['fe80::1%2', 'a link-local'],
  ['fec0::1', 'a reserved'],
  ['fc00::1', 'a private'],
  ['fd12:3456::1', 'a private'],
  ['ff02::1', 'a multicast'],
  ['2001:db8::1', 'a reserved'],
  ['3fff::1', 'a reserved'],
]

const nothing = new Reach([])

test.each(PUBLIC)('%s is dialled', (address) => expect(nothing.refusal('h', address)).toBeUndefined())

test.each(REFUSED)('%s is not: %s address', (address, what) => {
  expect(nothing.refusal('h.example', address)).toBe(
    `"h.example" is at ${address}, ${what} address; list it under allow if that is meant`,
  )
})

test.each([
  ['127.0.0.1', 'h', '127.0.0.1', true],
  ['127.0.0.0/8', 'h', '127.9.9.9', true],
  ['10.0.0.0/8', 'h', '127.0.0.1', false],
  ['10.0.0.0/8', 'h', '::ffff:10.1.2.3', true],
  ['::1', 'h', '::1', true],
  ['::1', 'h', '127.0.0.1', false],
  ['fd00::/8', 'h', 'fd12::1', true],
  ['Hooks.Internal', 'hooks.internal', '10.0.0.1', true],
  ['hooks.internal', 'a.hooks.internal', '10.0.0.1', false],
])('allow %s: %s at %s: %s', (allow, host, address, dialled) => {
  expect(new Reach([allow]).refusal(host, address) === undefined).toBe(dialled)
})

describe('a name', () => {
  const resolver =
    (...addresses: string[]): LookupFunction =>
    (_host, _options, callback) =>
      callback(
        null,
        addresses.map((address): LookupAddress => ({ address, family: isIP(address) })),
      )
  const find = (lookup: LookupFunction, all: boolean, reach = nothing) =>
    new Promise<unknown>((resolve) =>
      lookupWithin(reach, lookup)('h.example', { all }, (error, address, family) =>
        resolve(error ?? (family === undefined ? address : { address, family })),
      ),
    )

  test('is dialled at its public addresses alone', async () => {
    const mixed = resolver('10.0.0.1', '93.184.216.34', '::1', '2606:4700:4700::1111')
    expect(await find(mixed, true)).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ])
    expect(await find(mixed, false)).toEqual({ address: '93.184.216.34', family: 4 })
  })

  test('that has none is not dialled', async () => {
    expect(await find(resolver('127.0.0.1', '::1'), true)).toBeInstanceOf(AddressRefused)
    expect(await find(resolver(), true)).toMatchObject({ message: '"h.example" has no address' })
  })

  test('is resolved again for each connection: what it was does not count', async () => {
    const answers = ['93.184.216.34', '127.0.0.1']
    const rebinding: LookupFunction = (host, options, callback) =>
      resolver(answers.shift() ?? '')(host, options, callback)
    expect(await find(rebinding, false)).toEqual({ address: '93.184.216.34', family: 4 })
    expect(await find(rebinding, false)).toBeInstanceOf(AddressRefused)
  })

  test('that does not resolve keeps the error of the resolver', async () => {
    const fails: LookupFunction = (_host, _options, callback) => callback(new Error('ENOTFOUND'), '')
    expect(await find(fails, true)).toMatchObject({ message: 'ENOTFOUND' })
  })
})
