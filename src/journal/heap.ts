/** A binary heap: the smallest number first. */

export class Heap<T extends { readonly due: number }> {
  readonly #items: T[] = []

  get first(): T | undefined {
    return this.#items[0]
  }

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent]
      if (above === undefined || above.due <= item.due) break
      items[at] = above
      items[parent] = item
      at = parent
    }
  }

  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined || items.length === 0) return top
    let at = 0
    for (;;) {
      const right = items[2 * at + 2]
      const left = items[2 * at + 1]
      const child = right !== undefined && left !== undefined && right.due < left.due ? 2 * at + 2 : 2 * at + 1
      const below = items[child]
      if (below === undefined || below.due >= last.due) break
      items[at] = below
      at = child
    }
    items[at] = last
    return top
  }
}
