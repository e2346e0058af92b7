/** All lanes of the stored journal, and how new deliveries reach them. */

import type { Placed } from './arrival.ts'
import type { WaitingSlot } from './debounce.ts'
import { type FeedHost, LaneFeed } from './feed.ts'
import { HandedOut } from './handed.ts'
import type { Lane } from './journal.ts'
import { deliveryId } from './keys.ts'
import type { Item } from './lane.ts'

export interface LanesHost extends FeedHost {
  /** A delivery that waits for later ones of its name has reached the disk. */
  landed(feed: LaneFeed, name: string, waiting: WaitingSlot): void
}

export class Lanes {
  /** By id. Lanes are few, and stay known once they have had a delivery. */
  readonly all: LaneFeed[] = []
  readonly #host: LanesHost
  readonly #byRoute = new Map<string, Map<string, LaneFeed>>()

  constructor(host: LanesHost) {
    this.#host = host
  }

  get(lane: Lane): LaneFeed {
    return this.#byRoute.get(lane.route)?.get(lane.to) ?? this.add(lane, 0)
  }

  add({ route, to }: Lane, pending: number): LaneFeed {
    const feed = new LaneFeed(this.#host, this.all.length, { route, to }, pending)
    this.all.push(feed)
    const targets = this.#byRoute.get(route) ?? new Map<string, LaneFeed>()
    this.#byRoute.set(route, targets.set(to, feed))
    return feed
  }

  /** Shows the lanes what has just reached the disk; they take what they have room for. */
  show(placed: readonly Placed[]): void {
    for (const each of placed)
      for (let index = 0; index < each.arrival.feeds.length; index++) this.#showOne(each, index)
  }

  wake(): void {
    for (const feed of this.all) feed.wake()
  }

  pump(): void {
    for (const feed of this.all) feed.queue.pump()
  }

  leave(): void {
    for (const feed of this.all) feed.queue.leave()
  }

  #showOne({ arrival, block, firstSlot }: Placed, index: number): void {
    const feed = arrival.feeds[index]
    const route = arrival.entry.routes[index]
    if (feed === undefined || route === undefined || arrival.once?.repeated[index]) return
    const { key, answers } = route
    const slot = firstSlot + index
    const due = route.due !== undefined && route.due > arrival.acceptedAt ? route.due : 0
    if (due > 0 && key === undefined) {
      feed.scheduled(due, block.id, slot)
      if (route.debounce) this.#host.landed(feed, route.debounce.name, { block: block.id, slot, due })
      return
    }
    if (!feed.takes(block.id, slot)) return
    const item: Item = {
      id: deliveryId(block.id, slot),
      block: block.id,
      slot,
      key,
      due,
      indexed: false,
      held: undefined,
    }
    const { event, origin, callId } = arrival.entry
    const known = { event, origin, callId, acceptedAt: arrival.acceptedAt, draft: arrival.draft.body }
    item.held = new HandedOut(item, feed.lane, known, answers === true, 1)
    feed.offer(item)
  }
}
