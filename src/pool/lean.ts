/** Takes out of what jco generates what it does anew for each instance, and few calls need. */

import { parseAst } from 'rolldown/parseAst'
import { type ESTree, Visitor } from 'rolldown/utils'

/** From where to where a text is another one. */
type Edit = readonly [start: number, end: number, text: string]

const LATER = 'const lowerLater=(lower,describe)=>{let made;return(...given)=>lower(made??=describe(),...given)};'
const OPEN = '(function(){'

/**
 * Changes the body of a function that jco generated; what is of another shape than that of jco 1.35 stays as it is.
 * That describes each import of a component twice, with the types of all that passes, for each instance: of a component
 * in Rust with a hundred imports a third of the time that an instance takes, and two thirds of the garbage that it leaves.
 * It also makes classes for each instance, with two hundred methods: half of what its code takes where nothing is imported.
 */
export function lean(body: string): string {
  const edits: Edit[] = []
  const classes = new Map<string, ESTree.Class>()
  const uses: { readonly name: string; readonly edit: Edit }[] = []
  const keys = new Set<number>()
  const noteKey = ({ computed, key }: { readonly computed: boolean; readonly key: ESTree.Span }) => {
    if (!computed) keys.add(key.start)
  }
  // Set by jco for imports that wait, and by nobody else.
  const waits = /\.manuallyAsync\s*=[^=]/.test(body)
  new Visitor({
    CallExpression(node) {
      const described = description(node)
      if (!described) return
      const [lower, types] = described
      edits.push([node.start, types.start, `lowerLater(${textOf(lower)},()=>(`], [types.end, node.end, '))'])
    },
    ConditionalExpression({ start, test, alternate }) {
      const never = test.type === 'Literal' ? test.value === false : !waits && isMember(test, 'manuallyAsync')
      if (never && description(alternate)) edits.push([start, alternate.start, ''])
    },
    // Made for nobody: what it was given to is gone when the code is minified.
    TryStatement({ start, end, block }) {
      const [only, more] = block.body
      if (!more && only?.type === 'ExpressionStatement' && isPromising(only.expression)) edits.push([start, end, ''])
    },
    FunctionDeclaration({ body: statements, id }) {
      if (id?.name !== 'instantiate') return
      for (const each of statements?.body ?? [])
        if (each.type === 'ClassDeclaration' && each.id && each.id.name.length > SHORT) classes.set(each.id.name, each)
    },
    MemberExpression: ({ computed, property }) => noteKey({ computed, key: property }),
    MethodDefinition: noteKey,
    PropertyDefinition: noteKey,
    Property(node) {
      noteKey(node)
      if (node.shorthand && node.key.type === 'Identifier') classes.delete(node.key.name)
    },
    Identifier({ end, name, start }) {
      const own = classes.get(name)
      const inside = own && start >= own.start && end <= own.end
      if (own && !inside && !keys.has(start)) uses.push({ name, edit: [start, end, `(made${name}())`] })
    },
  }).visit(parseAst(`${OPEN}${body}\n})`))
  for (const [name, { start, end }] of classes)
    edits.push([start, start, `let its${name};const made${name}=()=>its${name}??=`], [end, end, ';'])
  for (const { name, edit } of uses) if (classes.has(name)) edits.push(edit)
  return edits.length === 0 ? body : `${LATER}${edited(body, edits)}`

  function textOf({ start, end }: ESTree.Span): string {
    return body.slice(start - OPEN.length, end - OPEN.length)
  }
}

/** Names of so many characters are given when code is minified, and to others as well. */
const SHORT = 3

/** What is to do an import's work and the description of the import, where both are bound together. */
function description(node: ESTree.Expression): readonly [ESTree.Expression, ESTree.ObjectExpression] | undefined {
  if (node.type !== 'CallExpression' || !isMember(node.callee, 'bind')) return undefined
  const { callee, arguments: given } = node
  const types = given[1]
  if (callee.type !== 'MemberExpression' || given.length !== 2 || types?.type !== 'ObjectExpression') return undefined
  const isDescription = types.properties.some(
    (each) => each.type === 'Property' && each.key.type === 'Identifier' && each.key.name === 'paramLiftFns',
  )
  return isDescription ? [callee.object, types] : undefined
}

const isMember = (node: ESTree.Expression, name: string): boolean =>
  node.type === 'MemberExpression' && node.property.type === 'Identifier' && node.property.name === name

const isPromising = (node: ESTree.Expression): boolean =>
  node.type === 'CallExpression' && isMember(node.callee, 'promising')

/** An edit in the middle of what another one takes out is left out with it. */
function edited(body: string, edits: readonly Edit[]): string {
  let text = ''
  let at = 0
  for (const [start, end, instead] of edits.toSorted(([one], [other]) => one - other)) {
    const from = start - OPEN.length
    if (from < at) continue
    text += body.slice(at, from) + instead
    at = end - OPEN.length
  }
  return text + body.slice(at)
}
