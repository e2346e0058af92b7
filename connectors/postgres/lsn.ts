/** Positions in the write-ahead log: as numbers to compare, as texts to show. */

/** Reads `0/16B3748`, with or without leading zeros. */
export function parseLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** As Postgres shows it: `0/16B3748`. */
export const formatLsn = (lsn: bigint): string =>
  `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase()

/** Sixteen digits: such texts sort as the positions do. */
export const sortableLsn = (lsn: bigint): string => lsn.toString(16).toUpperCase().padStart(16, '0')
