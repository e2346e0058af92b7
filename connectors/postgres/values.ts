/** Values as Postgres writes them become JSON, without losing anything: digits, microseconds, bytes, nulls in arrays. */

import { parse as parseArray } from 'postgres-array'

/** Turns the text of a value into the text of its JSON. */
export type Encode = (text: string) => string

/** How a session writes values, whatever the settings of its role and database are. */
export const SESSION_SETTINGS = {
  datestyle: 'ISO',
  intervalstyle: 'iso_8601',
  timezone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  // A dump of a table takes as long as it takes.
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
} as const

const text: Encode = (value) => JSON.stringify(value)
/** Digits that a number of JavaScript cannot hold stay text. */
const digits: Encode = (value) => `"${value}"`
const integer: Encode = (value) => value
/** NaN and the infinities are no JSON. */
const float: Encode = (value) => (/^-?[\d.]/.test(value) ? value : `"${value}"`)
const boolean: Encode = (value) => (value === 't' ? 'true' : 'false')
const json: Encode = (value) => value
const bytes: Encode = (value) => `"${Buffer.from(value.slice(2), 'hex').toString('base64')}"`
const timestamp: Encode = (value) => `"${value.replace(' ', 'T')}"`
/** In UTC, as the session is; what is no date (infinity, BC) stays as it is. */
const instant: Encode = (value) => `"${value.replace(/^(\d+-\d\d-\d\d) (\S+)\+00$/, '$1T$2Z')}"`

/** Type, its array type, its form. By number, as pg_type has them; these never change. */
const TYPES: readonly (readonly [oid: number, array: number, encode: Encode])[] = [
  [16, 1000, boolean],
  [17, 1001, bytes],
  [20, 1016, digits],
  [21, 1005, integer],
  [23, 1007, integer],
  [26, 1028, integer],
  [114, 199, json],
  [700, 1021, float],
  [701, 1022, float],
  [1082, 1182, text],
  [1083, 1183, text],
  [1114, 1115, timestamp],
  [1184, 1185, instant],
  [1186, 1187, text],
  [1266, 1270, text],
  [1700, 1231, digits],
  [3802, 3807, json],
  // Text as it stands: name, text, bpchar, varchar, uuid, inet, cidr, macaddr, money, bit, varbit, xml.
  ...(
    [
      [19, 1003],
      [25, 1009],
      [1042, 1014],
      [1043, 1015],
      [2950, 2951],
      [869, 1041],
      [650, 651],
      [829, 1040],
      [790, 791],
      [1560, 1561],
      [1562, 1563],
      [142, 143],
    ] as const
  ).map(([oid, array]) => [oid, array, text] as const),
]

const ENCODERS: ReadonlyMap<number, Encode> = new Map(
  TYPES.flatMap(([oid, array, encode]) => [
    [oid, encode],
    [array, (value: string) => nested(parseArray(value, encode))],
  ]),
)

/** Types that are not built in, such as enums, and the rest of those that are, are told as Postgres writes them. */
export const encoderOf = (oid: number): Encode => ENCODERS.get(oid) ?? text

type Nested = readonly (Nested | string | null)[]

const nested = (items: Nested): string =>
  `[${items.map((item) => (typeof item === 'string' ? item : item === null ? 'null' : nested(item))).join(',')}]`
