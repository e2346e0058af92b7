/** Compiles routes into a router: pure, indexed, and the same answer as asking each route in turn. */

import { isDeepStrictEqual } from 'node:util'
import type { CloudEvent, Origin } from '../event/index.ts'
import { Lookup } from './lookup.ts'
import type { Route } from './route.ts'
import type { KeyedControl, Match, RouteProblem, Router, Verdict } from './router.ts'
import { compileRule, keyOf, namesOf, type Rule } from './rule.ts'
import { Variables } from './variables.ts'
import { verdict } from './verdict.ts'
import { choose } from './weights.ts'

export interface Compiled {
  /** Runs the routes that have no problem. */
  readonly router: Router
  /** Everything wrong with any route; empty when all is well. */
  readonly problems: readonly RouteProblem[]
}

/** Compiles all routes and reports all their problems at once. Never throws. */
export function compileRouter(routes: readonly Route[]): Compiled {
  const problems: RouteProblem[] = []
  const rules = routes.map((route, index) => compileRule(route, index, (problem) => void problems.push(problem)))
  return { router: new IndexedRouter(routes, rules.filter(isRule)), problems }
}

/**
 * The same, without holding up the loop: `goOn` is awaited before each route. What is the same in the router of `before`
 * is not compiled again.
 */
export async function compileInTurns(
  routes: readonly Route[],
  goOn: () => Promise<void>,
  before?: Router,
): Promise<Compiled> {
  const problems: RouteProblem[] = []
  const rules: Rule[] = []
  for (const [index, route] of routes.entries()) {
    await goOn()
    const held = before instanceof IndexedRouter ? before.ruleOf(route) : undefined
    const rule = held ? { ...held, route, index } : compileRule(route, index, (problem) => void problems.push(problem))
    if (rule) rules.push(rule)
  }
  return { router: new IndexedRouter(routes, rules), problems }
}

const isRule = (rule: Rule | undefined): rule is Rule => rule !== undefined

class IndexedRouter implements Router {
  readonly routes: readonly Route[]
  readonly #rules: readonly Rule[]
  readonly #byName: ReadonlyMap<string, Route>
  readonly #ruleOf: ReadonlyMap<string, Rule>
  readonly #lookup: Lookup
  /** Of the routes that stand by for what no other takes. */
  readonly #standby: Lookup | undefined

  constructor(routes: readonly Route[], rules: readonly Rule[]) {
    this.routes = routes
    this.#rules = rules
    this.#byName = new Map(routes.map((route) => [route.name, route]))
    this.#ruleOf = new Map(rules.map((rule) => [rule.route.name, rule]))
    const standby = rules.filter(({ route }) => route.default)
    this.#lookup = new Lookup(standby.length === 0 ? rules : rules.filter(({ route }) => !route.default))
    this.#standby = standby.length === 0 ? undefined : new Lookup(standby)
  }

  match(event: CloudEvent, origin: Origin): readonly Match[] {
    const variables = new Variables(event, origin)
    return this.#find(origin, variables).map((rule) => {
      const { route } = rule
      const key = rule.orderBy && keyOf(rule.orderBy, variables)
      const chosen = route.weights && choose(route, event, key)
      const names = route.controls && namesOf(rule, variables)
      if (chosen === undefined && names === undefined) return key === undefined ? { route } : { route, key }
      return { route, ...(chosen && { target: chosen.target }), ...(key === undefined ? {} : { key }), ...names }
    })
  }

  explain(event: CloudEvent, origin: Origin): readonly Verdict[] {
    const variables = new Variables(event, origin)
    const verdicts = this.#rules.map((rule) => verdict(rule, event, origin, variables))
    if (this.#standby === undefined) return verdicts
    const isDefault = (at: number): boolean => this.#rules[at]?.route.default === true
    const takers = verdicts.filter(({ takes }, at) => takes && !isDefault(at)).map(({ route }) => route)
    if (takers.length === 0) return verdicts
    return verdicts.map((said, at) =>
      said.takes && isDefault(at)
        ? { route: said.route, takes: false, clause: 'default', saw: takers.join(', ') }
        : said,
    )
  }

  keyOf(route: string, control: KeyedControl, event: CloudEvent, origin: Origin): string | undefined {
    const key = this.#ruleOf.get(route)?.keys.get(control)
    return key && keyOf(key, new Variables(event, origin))
  }

  get(name: string): Route | undefined {
    return this.#byName.get(name)
  }

  /** Its rule, when it runs here as it is. */
  ruleOf(route: Route): Rule | undefined {
    const rule = this.#ruleOf.get(route.name)
    return rule && isDeepStrictEqual(rule.route, route) ? rule : undefined
  }

  #find(origin: Origin, variables: Variables): readonly Rule[] {
    const found = this.#lookup.find(origin, variables)
    return found.length === 0 && this.#standby ? this.#standby.find(origin, variables) : found
  }
}
