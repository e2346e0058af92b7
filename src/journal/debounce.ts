/** Deliveries of a lane that wait for the last of their name: which one that is, and when it is due. */

import type { Block } from './block.ts'
import { STATUS } from './block.ts'
import type { Blocks } from './blocks.ts'
import type { LaneFeed } from './feed.ts'
import { HandedOut } from './handed.ts'
import type { Intake } from './intake.ts'
import type { Debounce, Delivery, Entry, RouteRef } from './journal.ts'
import { deliveryId, dueKey } from './keys.ts'
import type { Item } from './lane.ts'
import type { Change, Store } from './store.ts'
import type { Sums } from './totals.ts'

/** A delivery that waits, on disk. */
export interface WaitingSlot {
  readonly block: number
  readonly slot: number
  readonly due: number
}

interface Chain {
  /** When the first was appended of those that gave way to one another. */
  first: number
  /** When the last was. */
  last: number
  /** Appends that are not on disk yet. */
  flying: number
  landed: WaitingSlot | undefined
}

/** The names of one lane that something waits under. */
export class Chains {
  readonly #chains = new Map<string, Chain>()
  readonly #names = new Map<string, string>()

  get size(): number {
    return this.#chains.size
  }

  /** A delivery is appended: returns when it is due, and when the first was that it stands for. */
  append({ maxWaitMs, name, waitMs }: Debounce, now: number): { readonly due: number; readonly first: number } {
    const chain = this.#chainOf(name, now)
    chain.last = now
    chain.flying++
    const latest = chain.first + (maxWaitMs ?? Number.POSITIVE_INFINITY)
    // Never at once, though the first has waited for long enough: it may not have been handed out, and gives way then.
    return { due: Math.max(now + 1, Math.min(now + waitMs, latest)), first: chain.first }
  }

  /** It is on disk: returns the one that gives way to it. */
  landed(name: string, waiting: WaitingSlot): WaitingSlot | undefined {
    const chain = this.#chainOf(name, waiting.due)
    chain.flying--
    return this.#become(name, chain, waiting)
  }

  /** It is not held. */
  refused(name: string): void {
    const chain = this.#chains.get(name)
    if (chain && --chain.flying === 0 && chain.landed === undefined) this.#chains.delete(name)
  }

  /** It is found on disk at a start, in the order of append: returns the one that gives way to it. */
  found(name: string, first: number, last: number, waiting: WaitingSlot): WaitingSlot | undefined {
    const chain = this.#chainOf(name, first)
    chain.first = first
    chain.last = last
    return this.#become(name, chain, waiting)
  }

  /** A delivery is handed out: what comes now of its name begins anew. */
  leased(id: string): void {
    const name = this.#names.get(id)
    const chain = name === undefined ? undefined : this.#chains.get(name)
    if (name === undefined || chain === undefined) return
    this.#names.delete(id)
    chain.landed = undefined
    chain.first = chain.last
    if (chain.flying === 0) this.#chains.delete(name)
  }

  #chainOf(name: string, first: number): Chain {
    const known = this.#chains.get(name)
    if (known) return known
    const chain: Chain = { first, last: first, flying: 0, landed: undefined }
    this.#chains.set(name, chain)
    return chain
  }

  #become(name: string, chain: Chain, waiting: WaitingSlot): WaitingSlot | undefined {
    const before = chain.landed
    if (before) this.#names.delete(deliveryId(before.block, before.slot))
    this.#names.set(deliveryId(waiting.block, waiting.slot), name)
    chain.landed = waiting
    return before
  }
}

/** What this needs of the journal that it is part of. */
export interface DebounceHost {
  readonly store: Store
  readonly blocks: Blocks
  readonly sums: Sums
  readonly intake: Intake
  now(): number
  write(changes: readonly Change[]): Promise<void>
}

/** The entry with the times at which its deliveries are due that wait for the last of their name. */
export function debounced(
  host: DebounceHost,
  entry: Entry,
  feeds: readonly LaneFeed[],
  now: number,
  leftOut: readonly boolean[] = [],
): Entry {
  if (!entry.routes.some(({ debounce }) => debounce !== undefined)) return entry
  const routes = entry.routes.map((ref, index): RouteRef => {
    const feed = feeds[index]
    if (ref.debounce === undefined || feed === undefined || leftOut[index]) return ref
    const { due, first } = chainsOf(host, feed).append(ref.debounce, now)
    return { ...ref, due: Math.max(due, ref.due ?? 0), debounce: { ...ref.debounce, first } }
  })
  return { ...entry, routes }
}

/** What waits in the lane; read from disk when it is asked for the first time. */
export function chainsOf(host: DebounceHost, feed: LaneFeed): Chains {
  if (feed.chains) return feed.chains
  const chains = new Chains()
  feed.chains = chains
  const found: (WaitingSlot & { readonly name: string; readonly first: number; readonly last: number })[] = []
  for (const stored of host.store.keys(dueKey(feed.id, 0, 0, 0), dueKey(feed.id + 1, 0, 0, 0))) {
    const key = Buffer.from(stored)
    const waiting = { due: key.readDoubleBE(3), block: key.readDoubleBE(11), slot: key.readUInt16BE(19) }
    const block = host.blocks.get(waiting.block)
    if (block?.status(waiting.slot) !== STATUS.delayed || block.attempts(waiting.slot) > 0) continue
    const record = host.blocks.recordOf(block.id, block.offset(waiting.slot))
    const [, , , , name, first = 0] = record?.routes[block.index(waiting.slot)] ?? []
    if (record && name !== undefined) found.push({ ...waiting, name, first, last: record.acceptedAt })
  }
  found.sort((a, b) => a.block - b.block || a.slot - b.slot)
  for (const each of found) supersede(host, feed, chains.found(each.name, each.first, each.last, each))
  return chains
}

/** A delivery gives way to a later one of its name: it is done, with a note. From here on it is not handed out. */
export function supersede(host: DebounceHost, feed: LaneFeed, waiting: WaitingSlot | undefined): void {
  const block: Block | undefined = waiting && host.blocks.get(waiting.block)
  if (waiting === undefined || block === undefined || !block.waits(waiting.slot)) return
  block.leaveOut(waiting.slot, 'superseded', host.now())
  host.intake.touch(block)
  feed.count(-1)
  host.sums.pending--
  // Whoever must know of a disk that refuses is told by the writer.
  host.write([[dueKey(feed.id, waiting.due, waiting.block, waiting.slot), undefined]]).catch(() => undefined)
}

/** Reads a delivery back to hand it out; undefined when it is not to be made any more, or its bytes are damaged. */
export function readBack(host: DebounceHost, item: Item, feed: LaneFeed): Delivery | undefined {
  const block = host.blocks.get(item.block)
  const record = block && host.blocks.recordOf(item.block, block.offset(item.slot))
  const route = record?.routes[block?.index(item.slot) ?? 0]
  if (block === undefined || record === undefined || route === undefined) return undefined
  // It may turn out that it gives way to another.
  if (route[4] !== undefined) chainsOf(host, feed)
  if (!block.waits(item.slot)) return undefined
  return new HandedOut(item, feed.lane, record, route[2] === 1, block.attempts(item.slot) + 1)
}
