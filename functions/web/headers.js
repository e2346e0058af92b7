/** Headers, of requests and of responses. */

export class Headers {
  #values = new Map()

  constructor(given = []) {
    for (const [name, value] of given[Symbol.iterator] ? given : Object.entries(given)) this.append(name, value)
  }

  get(name) {
    return this.#values.get(keyOf(name))?.join(', ') ?? null
  }

  getSetCookie() {
    return [...(this.#values.get('set-cookie') ?? [])]
  }

  has(name) {
    return this.#values.has(keyOf(name))
  }

  set(name, value) {
    this.#values.set(keyOf(name), [String(value).trim()])
  }

  append(name, value) {
    const key = keyOf(name)
    this.#values.set(key, [...(this.#values.get(key) ?? []), String(value).trim()])
  }

  delete(name) {
    this.#values.delete(keyOf(name))
  }

  forEach(tell, self) {
    for (const [name, value] of this) tell.call(self, value, name, this)
  }

  *entries() {
    for (const name of [...this.#values.keys()].sort())
      if (name === 'set-cookie') for (const cookie of this.getSetCookie()) yield [name, cookie]
      else yield [name, this.get(name)]
  }

  *keys() {
    for (const [name] of this) yield name
  }

  *values() {
    for (const [, value] of this) yield value
  }

  [Symbol.iterator]() {
    return this.entries()
  }
}

function keyOf(name) {
  const text = String(name)
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) throw new TypeError(`"${text}" is no name of a header`)
  return text.toLowerCase()
}
