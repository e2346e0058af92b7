/** One rollout: which version of a function is the newer one, what a decision about it makes of a route's weights. */

import type { Route, Target } from '../router/route.ts'
import { compareVersions, newest } from '../schema/index.ts'
import type { Figures } from './canary.ts'

export type How = 'promoted' | 'rolledback'

/** What was decided about a version of a route. It holds until the route's `to` says something else. */
export interface Decision {
  readonly route: string
  /** The version that it is about: the text of a target. */
  readonly candidate: string
  readonly decided: How
  readonly by: 'canary' | 'operator'
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The weights that were configured. */
  readonly of: Weights
  /** Those that hold in their place. */
  readonly weights: Weights
  /** Of each version, when it was decided; empty where nothing was counted. */
  readonly figures: Readonly<Record<string, Figures>>
  /** Whether the event that tells of it was accepted. */
  readonly told: boolean
}

/** By the text of the target. */
export type Weights = Readonly<Record<string, number>>

type FunctionOf = Extract<Target, { kind: 'function' }>

/** The weights of a route as they are configured; undefined when it has none. */
export const weightsOf = ({ to, weights }: Route): Weights | undefined =>
  weights && Object.fromEntries(to.map(({ text }, at) => [text, weights[at] ?? 0]))

/** The targets of a route that get events: not those whose weight is 0. */
export const takersOf = ({ to, weights }: Route): readonly Target[] => to.filter((_, at) => weights?.[at] !== 0)

/** The texts of those, and of the versions that the route knows and sends nothing new to; undefined without a route. */
export function textsOf(route: Route | undefined): Texts | undefined {
  if (route === undefined) return undefined
  const takers = takersOf(route).map(({ text }) => text)
  const idle = [...route.to, ...(route.versions ?? [])].map(({ text }) => text).filter((text) => !takers.includes(text))
  return { takers, idle }
}

interface Texts {
  readonly takers: readonly string[]
  readonly idle: readonly string[]
}

/** The newest version of a route whose weighted targets are versions of one function. */
export function candidateOf({ to, weights }: Route): string | undefined {
  const functions = to.filter(isFunction)
  const one = functions.length === to.length && new Set(functions.map(({ name }) => name)).size === 1
  return weights && one && to.length > 1 ? newest(functions)?.text : undefined
}

/**
 * What the weights become when a version is promoted: it gets what the versions of its function have together; or
 * rolled back: what it had goes to the one that has most, of equals the newest. Undefined when there is none beside it.
 */
export function decidedWeights(route: Route, candidate: string, how: How): Weights | undefined {
  const weights = weightsOf(route)
  const name = route.to.filter(isFunction).find(({ text }) => text === candidate)?.name
  const others = route.to.filter((target): target is FunctionOf => isFunction(target) && target.name === name)
  const rest = others.filter(({ text }) => text !== candidate)
  if (weights === undefined || name === undefined || rest.length === 0) return undefined
  const weightOf = ({ text }: Target): number => weights[text] ?? 0
  const total = others.reduce((sum, target) => sum + weightOf(target), 0) || 1
  if (how === 'promoted')
    return { ...weights, ...Object.fromEntries(rest.map(({ text }) => [text, 0])), [candidate]: total }
  const [heir] = rest.toSorted((a, b) => weightOf(b) - weightOf(a) || compareVersions(b.version, a.version))
  if (heir === undefined) return undefined
  const kept = rest.reduce((sum, target) => sum + weightOf(target), 0)
  return { ...weights, [candidate]: 0, [heir.text]: weightOf(heir) + total - kept }
}

const isFunction = (target: Target): target is FunctionOf => target.kind === 'function'
