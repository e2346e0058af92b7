/** `as` of a source: what attributes its events have when the message was no CloudEvent. Compiled once, then it never throws. */

import { type CloudEvent, isAttributeName, type Origin, validateEvent, withExtensions } from '../event/index.ts'
import { compileExpression, type Expression, isProblem } from './expression.ts'
import { keyOf } from './rule.ts'
import { Variables } from './variables.ts'

/** An expression by the attribute that it gives. */
export type As = Readonly<Record<string, string>>

export interface NamingProblem {
  readonly attribute: string
  /** Characters from the start of the expression; undefined when the attribute itself is wrong. */
  readonly offset?: number
  readonly message: string
}

/** Told of an attribute that stays as it was, and why. */
export type Unnamed = (attribute: string, why: string, event: CloudEvent) => void

/** Returns the event with the attributes that the expressions give. What has no value, or none that is allowed, stays. */
export type Naming = (event: CloudEvent, origin: Origin) => CloudEvent

/** Returns everything that is wrong with an `as`; empty when it is sound. */
export const namingProblems = (as: As): readonly NamingProblem[] =>
  Object.entries(as).flatMap(([attribute, text]) => {
    const message = nameProblem(attribute)
    if (message !== undefined) return [{ attribute, message }]
    const made = compileExpression(text, 'any')
    return isProblem(made) ? [{ attribute, ...made }] : []
  })

/** Compiles an `as` that has no problems; an expression that has one gives nothing. */
export function compileNaming(as: As, unnamed: Unnamed): Naming {
  const named = Object.entries(as).flatMap(([attribute, text]): [string, Expression][] => {
    const made = compileExpression(text, 'any')
    return isProblem(made) ? [] : [[attribute, made]]
  })
  return (event, origin) => {
    const variables = new Variables(event, origin)
    let made = event
    for (const [attribute, expression] of named) {
      const value = keyOf(expression, variables)
      if (value === undefined || value === '') {
        const answer = expression.run(variables)
        unnamed(
          attribute,
          'error' in answer ? answer.error : 'it is no text, number or truth value, or it is empty',
          event,
        )
        continue
      }
      const next = ATTRIBUTES.has(attribute)
        ? { ...made, [attribute]: value }
        : withExtensions(made, { [attribute]: value })
      const [wrong] = validateEvent(next)
      if (wrong === undefined) made = next
      else unnamed(attribute, wrong, event)
    }
    return made
  }
}

const ATTRIBUTES = new Set(['id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema'])

function nameProblem(attribute: string): string | undefined {
  if (ATTRIBUTES.has(attribute)) return undefined
  if (attribute === 'specversion') return 'the version of the specification is not for a source to say'
  if (isAttributeName(attribute)) return undefined
  return `"${attribute}" is no attribute; use type, subject, id, source, time, dataschema, datacontenttype, or an extension in lower-case letters and digits`
}
