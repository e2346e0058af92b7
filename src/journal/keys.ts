/** Keys of the journal's tables: a letter, then numbers whose bytes sort as the numbers do. */

/** One letter for each table. A block is a run of events that were appended in one flush; a slot is a delivery in it. */
export const TABLE = {
  /** Block -> the records of its events. Written once. */
  events: 0x65,
  /** Block -> the state of its slots, while some slot is due or waits for its time. */
  open: 0x70,
  /** Block -> the state of its slots, when every slot is done or dead. */
  closed: 0x73,
  /** Lane, due time, block, slot: deliveries that wait for their time. */
  due: 0x64,
  /** Lane, block, slot -> due time and key: deliveries with a key that wait for their time. */
  dueKeyed: 0x6b,
  /** Time of death, block, slot -> lane and code: the dead letters. */
  dead: 0x78,
  /** Block, slot -> the errors of a delivery. */
  failures: 0x68,
  /** Block, slot -> the answer of a call. */
  answers: 0x61,
  /** Block, slot -> what was recorded of the last attempt. */
  recordings: 0x72,
  /** First event, bucket -> identities of a sealed run of events. */
  identities: 0x69,
  /** First event -> the filter of that run. */
  filters: 0x66,
  /** Digest of a route and a name -> when it may come again. */
  once: 0x6e,
  /** When a name may come again, its digest: what is to be forgotten. */
  onceUntil: 0x75,
  /** Number -> a text that events refer to by it. */
  kept: 0x74,
  /** Name -> value, for sources. */
  cursors: 0x63,
  /** The one record of totals, lanes and format. */
  meta: 0x6d,
} as const

export type Table = (typeof TABLE)[keyof typeof TABLE]

/** Bytes 0xff after the letter: above every key of the table. */
export const tableEnd = (table: Table): Buffer => Buffer.from([table, 0xff, 0xff])
export const tableStart = (table: Table): Buffer => Buffer.from([table])

/** Numbers are doubles, big endian: their bytes sort as they do, as none is negative. */
export function numberKey(table: Table, number: number): Buffer {
  const key = Buffer.allocUnsafe(9)
  key[0] = table
  key.writeDoubleBE(number, 1)
  return key
}

export function slotKey(table: Table, number: number, slot: number): Buffer {
  const key = Buffer.allocUnsafe(11)
  key[0] = table
  key.writeDoubleBE(number, 1)
  key.writeUInt16BE(slot, 9)
  return key
}

/** The key of `due`: the lane, then the time, so that one lane's deliveries lie in the order of their times. */
export function dueKey(lane: number, due: number, block: number, slot: number): Buffer {
  const key = Buffer.allocUnsafe(21)
  key[0] = TABLE.due
  key.writeUInt16BE(lane, 1)
  key.writeDoubleBE(due, 3)
  key.writeDoubleBE(block, 11)
  key.writeUInt16BE(slot, 19)
  return key
}

export function dueKeyedKey(lane: number, block: number, slot: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key[0] = TABLE.dueKeyed
  key.writeUInt16BE(lane, 1)
  key.writeDoubleBE(block, 3)
  key.writeUInt16BE(slot, 11)
  return key
}

export function deadKey(at: number, block: number, slot: number): Buffer {
  const key = Buffer.allocUnsafe(19)
  key[0] = TABLE.dead
  key.writeDoubleBE(at, 1)
  key.writeDoubleBE(block, 9)
  key.writeUInt16BE(slot, 17)
  return key
}

export const nameKey = (name: string): Buffer =>
  Buffer.concat([Buffer.from([TABLE.cursors]), Buffer.from(name.length < 400 ? name : name.slice(0, 400))])

/** What callers know a delivery by. */
export const deliveryId = (block: number, slot: number): string => `${block}-${slot}`

/** Reads what `deliveryId` wrote; undefined for anything else. */
export function parseDeliveryId(id: string): { readonly block: number; readonly slot: number } | undefined {
  const [, block, slot] = /^(\d{1,15})-(\d{1,5})$/.exec(id) ?? []
  return block === undefined ? undefined : { block: Number(block), slot: Number(slot) }
}
