/** Greets whoever the data name: `{ "name": "Ada" }` is answered with `{ "greeting": "Hello, Ada!" }`. */

import { dataOf, define, json, Rejected } from './kit.js'

export const handle = define((event) => {
  const { name } = dataOf(event) ?? {}
  if (typeof name !== 'string' || name === '') throw new Rejected('validation', 'NAME_MISSING', 'name is missing')
  return { reply: json({ greeting: `Hello, ${name}!` }) }
})
