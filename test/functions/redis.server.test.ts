/** Stores in a Redis or Valkey server: all of the contract, and what becomes of them when it goes away and comes back. */

import { expect, test } from 'vitest'
import { storeConfig } from '../../src/host/config.ts'
import { bytes, storeContract, texts } from '../../src/host/harness.ts'
import { Stores } from '../../src/host/stores.ts'
import { eventually } from '../services/eventually.ts'
import { REDIS } from '../services/redis.ts'
import { describeServers, startOwn } from '../services/server.ts'

const stores = (url: string, names: readonly string[], options: object = {}) =>
  new Stores(Object.fromEntries(names.map((name) => [name, storeConfig.parse({ redis: url, ...options })])), () => {
    throw new Error('none of these is on disk')
  })

await describeServers([REDIS], 'a server', (server) => {
  const unique = crypto.randomUUID().slice(0, 8)
  storeContract('a store in Redis', (name) => {
    const opened = stores(server.address, [name], { prefix: `${unique}/${name}*:` })
    return opened.store(name)
  })

  test('two gateways that name the same server share a store', async () => {
    const [left, right] = [stores(server.address, ['shared']), stores(server.address, ['shared'])]
    const [one, other] = [await left.store('shared'), await right.store('shared')]
    await one.write([[unique, bytes('1')]])
    const sums = await Promise.all([one, other, one, other].map((store) => store.increment(unique, 1n)))
    expect(new Set(sums)).toEqual(new Set([2n, 3n, 4n, 5n]))
    await Promise.all([left.close(), right.close()])
  })

  test('while it is gone questions fail or wait, and are answered once it is back; its password is not told', async () => {
    await using own = await startOwn(REDIS)
    const opened = stores(own.address, ['s'])
    const store = await opened.store('s')
    await store.write([['a', bytes('one')]])
    await own.stop('SIGKILL')
    await expect(stores(own.address.replace('//', '//:secret-word@'), ['s']).store('s')).rejects.toThrow(
      /^s \(store\): connecting: (?!.*secret-word)/,
    )
    await own.start()
    await eventually(
      () =>
        store
          .get(['a'])
          .then((values) => texts(values)[0] === 'one')
          .catch(() => false),
      {
        what: 'it is answered again',
      },
    )
    await opened.close()
  })
})
