/** Leases: every line of a batch counts, what is held stays hidden, and what was lost is never deleted. */

import { expect, test, vi } from 'vitest'
import { Leases } from './leases.ts'
import type { Failure, Queue } from './queue.ts'

const PATIENT = { timeout: 10_000, interval: 5 }

/** The server's side of a queue, as far as leases ask for it. */
class Server implements Pick<Queue, 'delete' | 'hide'> {
  readonly deleted: string[][] = []
  readonly hidden: (readonly [receipt: string, ms: number])[][] = []
  /** What a line of a batch comes to; undefined is done. */
  fails: (receipt: string) => Omit<Failure, 'index'> | undefined = () => undefined
  /** How many of the next requests have no answer. */
  outages = 0

  delete = async (receipts: readonly string[]): Promise<readonly Failure[]> => {
    this.deleted.push([...receipts])
    return this.#answer(receipts)
  }
  hide = async (entries: readonly (readonly [receipt: string, ms: number])[]): Promise<readonly Failure[]> => {
    this.hidden.push([...entries])
    return this.#answer(entries.map(([receipt]) => receipt))
  }
  #answer(receipts: readonly string[]): readonly Failure[] {
    if (this.outages-- > 0) throw new Error('no answer')
    return receipts.flatMap((receipt, index) => {
      const failure = this.fails(receipt)
      return failure ? [{ index, ...failure }] : []
    })
  }
}

function open(visibilityMs = 60_000) {
  const server = new Server()
  const troubles: string[] = []
  const troubled = (doing: string, error: unknown) => void troubles.push(`${doing}: ${(error as Error).message}`)
  const leases = new Leases({ queue: server, visibilityMs, troubled })
  const take = (receipt: string) => leases.take({ ReceiptHandle: receipt }, performance.now())
  return { server, troubles, leases, take }
}

test('deletes go out ten at a time, those of a moment together', async () => {
  const { leases, server, take } = open()
  const held = Array.from({ length: 23 }, (_, at) => take(`r${at}`))
  await Promise.all(held.map((lease) => leases.delete(lease)))
  expect(server.deleted.map((batch) => batch.length)).toEqual([10, 10, 3])
  expect(leases.size).toBe(0)
})

test('a line that SQS did not do is asked for again, and no other one', async () => {
  const { leases, server, take, troubles } = open()
  let failures = 0
  server.fails = (receipt) => (receipt === 'b' && failures++ < 2 ? { code: 'InternalError', ours: false } : undefined)
  await Promise.all(['a', 'b', 'c'].map((receipt) => leases.delete(take(receipt))))
  expect(server.deleted).toEqual([['a', 'b', 'c'], ['b'], ['b']])
  expect(troubles).toEqual(Array(2).fill('deleting messages: a message was not deleted: InternalError'))
})

test('a request without an answer is sent again', async () => {
  const { leases, server, take } = open()
  server.outages = 1
  await leases.delete(take('a'))
  expect(server.deleted).toEqual([['a'], ['a']])
})

test('what is held is hidden anew before its time is over, and no longer once it is put back', async () => {
  const { leases, server, take } = open(300)
  const lease = take('a')
  await vi.waitFor(() => expect(server.hidden.length).toBeGreaterThanOrEqual(2), PATIENT)
  expect(server.hidden[0]).toEqual([['a', 300]])
  await leases.putBack(lease, 7_000)
  expect(server.hidden.at(-1)).toEqual([['a', 7_000]])
  const count = server.hidden.length
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(server.hidden).toHaveLength(count)
})

test('a lease that is lost is told of, and its message is neither deleted nor put back', async () => {
  const { leases, server, take, troubles } = open(300)
  server.fails = () => ({ code: 'ReceiptHandleIsInvalid', ours: true })
  const [a, b] = [take('a'), take('b')]
  await vi.waitFor(() => expect([a.lost, b.lost]).toEqual([true, true]), PATIENT)
  const count = server.hidden.length
  await leases.delete(a)
  await leases.putBack(b, 0)
  expect([server.deleted, server.hidden.length]).toEqual([[], count])
  expect(troubles[0]).toMatch(/^hiding messages: a message is not hidden any longer: ReceiptHandleIsInvalid/)
  expect(leases.size).toBe(0)
})
