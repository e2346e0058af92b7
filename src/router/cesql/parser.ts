/** Reads a CESQL 1.0 expression, operators by how tightly they bind. */

import { type BinaryOperator, LEVELS, type Node, type Part } from './ast.ts'
import { lex, Mistake, type Token } from './lexer.ts'
import { isInteger } from './value.ts'

/** The parser recurses over brackets, calls and unary operators: this bound keeps it far from the end of the stack. */
export const MAX_DEPTH = 64
const KEYWORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'XOR', 'NOT', 'LIKE', 'EXISTS', 'IN', 'TRUE', 'FALSE'])

/** Reads an expression. Throws Mistake with the place of what is wrong, and nothing else. */
export const parseSql = (text: string): Node => new Parser(text).whole()

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = lex(text)
  }

  whole(): Node {
    const node = this.#expression(1)
    if (this.#token.kind !== 'end') throw this.#unexpected()
    return node
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', start: this.#text.length, end: this.#text.length }
  }

  /** The end of what was read so far. */
  get #end(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0
  }

  /** Reads operators that bind at least so tightly. */
  #expression(level: number): Node {
    let node = this.#operand()
    for (;;) {
      const operator = this.#operator()
      if (operator !== undefined) {
        if (LEVELS[operator] < level) return node
        this.#at++
        const right = this.#expression(LEVELS[operator] + 1)
        node = this.#node({ kind: 'binary', operator, left: node, right }, node.start)
      } else if (this.#postfix()) node = this.#membership(node)
      else return node
    }
  }

  #operator(): BinaryOperator | undefined {
    const { kind, text } = this.#token
    const name = kind === 'symbol' ? text : kind === 'word' ? text.toUpperCase() : ''
    return Object.hasOwn(LEVELS, name) ? (name as BinaryOperator) : undefined
  }

  /** Whether LIKE or IN comes next, NOT before it or not: they bind tighter than any operator. */
  #postfix(): boolean {
    const next = this.#isWord('NOT') ? 1 : 0
    return this.#isWord('LIKE', next) || this.#isWord('IN', next)
  }

  #membership(operand: Node): Node {
    const negated = this.#take('NOT')
    if (this.#take('LIKE')) {
      const { kind, text } = this.#token
      if (kind !== 'string') throw this.#unexpected('the pattern after LIKE is a string in quotes')
      this.#at++
      return this.#node({ kind: 'like', negated, operand, pattern: text }, operand.start)
    }
    this.#at++
    if (!this.#isSymbol('(')) throw this.#unexpected('values after IN stand in ( )')
    const members = this.#list()
    if (members.length === 0) throw new Mistake(this.#end - 1, 'there is no value in this list')
    return this.#node({ kind: 'in', negated, operand, members }, operand.start)
  }

  #operand(): Node {
    if (++this.#depth > MAX_DEPTH) throw new Mistake(this.#token.start, `the expression nests deeper than ${MAX_DEPTH}`)
    const { start } = this.#token
    const part = this.#unary() ?? this.#bracket() ?? this.#value()
    this.#depth--
    return 'start' in part ? { ...part, start, end: this.#end } : this.#node(part, start)
  }

  #unary(): Part | undefined {
    if (this.#take('NOT')) return { kind: 'not', operand: this.#operand() }
    if (this.#take('EXISTS')) return { kind: 'exists', name: this.#attribute() }
    const sign = this.#token
    if (!this.#isSymbol('-') && !this.#isSymbol('+')) return undefined
    const next = this.#tokens[this.#at + 1]
    if (next?.kind === 'digits' && next.start === sign.end) {
      this.#at++
      return this.#integer(sign.text)
    }
    if (sign.text === '+') throw this.#unexpected('+ before a value belongs to a number')
    this.#at++
    return { kind: 'minus', operand: this.#operand() }
  }

  #bracket(): Node | undefined {
    if (!this.#isSymbol('(')) return undefined
    this.#at++
    const inner = this.#expression(1)
    this.#close()
    return inner
  }

  #value(): Part {
    const { kind, text } = this.#token
    if (kind === 'digits') return this.#integer('')
    if (kind === 'string') {
      this.#at++
      return { kind: 'literal', value: text }
    }
    if (kind !== 'word') throw this.#unexpected()
    if (this.#take('TRUE')) return { kind: 'literal', value: true }
    if (this.#take('FALSE')) return { kind: 'literal', value: false }
    const next = this.#tokens[this.#at + 1]
    if (next?.kind === 'symbol' && next.text === '(' && !KEYWORDS.has(text.toUpperCase())) return this.#call()
    return { kind: 'attribute', name: this.#attribute() }
  }

  #integer(sign: string): Part {
    const { start, text } = this.#token
    const value = Number(sign + text)
    if (!isInteger(value)) throw new Mistake(start - sign.length, `${sign}${text.slice(0, 20)} is no 32-bit integer`)
    this.#at++
    return { kind: 'literal', value: value | 0 }
  }

  #call(): Part {
    const { start, text } = this.#token
    if (!/^[A-Za-z][A-Za-z_]*$/.test(text)) throw new Mistake(start, `"${text}" is no name of a function`)
    this.#at++
    return { kind: 'call', name: text.toUpperCase(), args: this.#list() }
  }

  /** Reads an attribute's name, in any case: those of events are in lower case. */
  #attribute(): string {
    const { kind, start, text } = this.#token
    if ((kind !== 'word' && kind !== 'digits') || KEYWORDS.has(text.toUpperCase())) throw this.#unexpected()
    if (text.includes('_')) throw new Mistake(start, `"${text}" is no attribute: a name has letters and digits`)
    this.#at++
    return text.toLowerCase()
  }

  /** Reads `(a, b)`, or `()`. */
  #list(): readonly Node[] {
    this.#at++
    const nodes: Node[] = []
    if (!this.#isSymbol(')')) {
      do nodes.push(this.#expression(1))
      while (this.#isSymbol(',') && ++this.#at)
    }
    this.#close()
    return nodes
  }

  #close(): void {
    if (!this.#isSymbol(')')) throw this.#unexpected('a ) is missing')
    this.#at++
  }

  #node(part: Part, start: number): Node {
    return { ...part, start, end: this.#end }
  }

  #isSymbol(symbol: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === symbol
  }

  #isWord(word: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead]
    return token?.kind === 'word' && token.text.toUpperCase() === word
  }

  #take(word: string): boolean {
    const found = this.#isWord(word)
    if (found) this.#at++
    return found
  }

  #unexpected(given = ''): Mistake {
    const { end, kind, start, text } = this.#token
    const help = kind === 'symbol' && text === '=' ? 'one = will do' : given
    const what = kind === 'end' ? 'it ends too early' : `unexpected ${this.#text.slice(start, end).slice(0, 40)}`
    return new Mistake(start, `${what}${help ? `; ${help}` : ''}`)
  }
}
