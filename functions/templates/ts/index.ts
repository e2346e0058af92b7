/** Greets whoever the data name: `{ "name": "Ada" }` is answered with `{ "greeting": "Hello, Ada!" }`. */

import { dataOf, define, json, Rejected } from './kit.js'

interface Wanted {
  readonly name?: unknown
}

export const handle = define((event) => {
  const { name } = dataOf<Wanted>(event) ?? {}
  if (typeof name !== 'string' || name === '') throw new Rejected('validation', 'NAME_MISSING', 'name is missing')
  return { reply: json({ greeting: `Hello, ${name}!` }) }
})
