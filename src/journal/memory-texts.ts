/** The texts that a journal in memory keeps under their numbers. */

import { MOST_KEPT } from './kept.ts'

export class MemoryTexts {
  readonly #numbers = new Map<string, number>()
  #next = 1

  keep(text: string): number {
    const number = this.#numbers.get(text) ?? this.#next++
    this.#numbers.delete(text)
    this.#numbers.set(text, number)
    const [oldest] = this.#numbers.keys()
    if (this.#numbers.size > MOST_KEPT && oldest !== undefined) this.#numbers.delete(oldest)
    return number
  }

  text(number: number): string | undefined {
    for (const [text, own] of this.#numbers) if (own === number) return text
    return undefined
  }
}
