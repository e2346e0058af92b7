/** Names each use of a packet identifier, so that a publish sent again (DUP) has the name it had. */

import { randomUUID } from 'node:crypto'

/** One use of a packet identifier: from the first transmission to the last redelivery. */
export interface Use {
  readonly name: string
  /** Its place among the uses of this session. */
  readonly place: number
  /** The lane that is working on it now. */
  owner: object | undefined
  acknowledged: boolean
  /** Of topic and payload; known for uses that an earlier process left. */
  readonly checksum: number | undefined
}

/** How many acknowledged uses a session remembers. */
const REMEMBERED = 1_024
/** So many identifiers in a row, none used twice, show a client that counts up. */
const COUNTING_UP = 64

/**
 * The uses of one session. A publish belongs to
 * - the use of its identifier that we have not acknowledged: the client cannot have freed the identifier, whatever its
 *   DUP flag says (mqtt.js 5.16 sends again with DUP=0, against [MQTT-3.3.1-1]);
 * - the use that an earlier process left unacknowledged, when topic and payload are the same;
 * - the use that we did acknowledge, with DUP=1 (the PUBACK was lost), when the client counts its identifiers up: it was
 *   seen to use 64 in a row without repeating one, and fewer than 1,024 publishes came since.
 * In every other case it is a new use: a client that takes the lowest free identifier may have used it again, and that
 * first transmission may be the one that was lost. A duplicate event is allowed then, a lost one never.
 */
export class Uses {
  readonly #prefix: string
  readonly #last = new Map<number, Use>()
  readonly #keepsAcknowledged: boolean
  #place = 0
  #repeats = false

  /** `persistent`: the session outlives its connections, so that a redelivery may follow an acknowledgement. */
  constructor(persistent: boolean, left: Iterable<readonly [id: number, name: string, checksum: number]> = []) {
    this.#prefix = randomUUID()
    this.#keepsAcknowledged = persistent
    for (const [id, name, checksum] of left)
      this.#last.set(id, { name, place: this.#place++, owner: undefined, acknowledged: false, checksum })
  }

  /** Returns the use that a publish belongs to. `checksum` is called when an earlier process left one of this identifier. */
  of(id: number, dup: boolean, checksum: () => number): Use {
    const last = this.#last.get(id)
    if (last && this.#same(last, dup, checksum)) return last
    if (last?.acknowledged && !dup) this.#repeats = true
    if (last) this.#last.delete(id)
    const place = this.#place++
    const name = `${this.#prefix}/${id}/${place}`
    const use: Use = { name, place, owner: undefined, acknowledged: false, checksum: undefined }
    this.#last.set(id, use)
    return use
  }

  /** The acknowledgement of this use went out. */
  acknowledge(id: number, use: Use): void {
    use.acknowledged = true
    if (this.#last.get(id) !== use) return
    if (!this.#keepsAcknowledged) this.#last.delete(id)
    else if (this.#last.size > REMEMBERED) this.#forgetOldest()
  }

  #same(last: Use, dup: boolean, checksum: () => number): boolean {
    if (!last.acknowledged) return last.checksum === undefined || last.checksum === checksum()
    return dup && !this.#repeats && this.#place >= COUNTING_UP && this.#place - last.place < REMEMBERED
  }

  #forgetOldest(): void {
    const [oldest] = this.#last
    if (oldest?.[1].acknowledged) this.#last.delete(oldest[0])
  }
}
