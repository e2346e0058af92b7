/** A queue at whose both ends things come and go in constant time, and that can be searched from the back. */

export class Deque<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item
    else this.#items.unshift(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (this.#head >= this.#items.length) return undefined
    this.#items[this.#head++] = undefined
    // Array.shift moves the whole array: O(n) for each delivery of a long queue.
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Puts an item behind the last one that `before` says goes before it. Cheap when that is the last. */
  insert(item: T, before: (other: T) => boolean): void {
    let at = this.#items.length
    while (at > this.#head) {
      const other = this.#items[at - 1]
      if (other === undefined || before(other)) break
      at--
    }
    this.#items.splice(at, 0, item)
  }
}
