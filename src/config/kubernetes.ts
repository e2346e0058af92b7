/** Picks the configuration out of Kubernetes objects: what a ConfigMap holds under `data`. */

import { type Document, isMap, isScalar, type Node, type Scalar } from 'yaml'

type Parsed = Document.Parsed

/** What the documents of a file are. */
export interface Picked {
  /** Those that are no Kubernetes object, empty ones left out. */
  readonly plain: readonly Parsed[]
  /** Texts of ConfigMaps that hold `event_sources`. */
  readonly held: readonly { readonly document: Parsed; readonly text: Scalar<string> }[]
  /** Objects that are none of this, with the offset at which each begins. */
  readonly passed: readonly { readonly kind: string; readonly name: string; readonly offset: number }[]
}

/** Tells the documents of a file apart. */
export function pick(documents: readonly Parsed[]): Picked {
  const objects = documents.filter(isObject)
  const held = objects.flatMap((document) => textsOf(document).map((text) => ({ document, text })))
  return {
    plain: documents.filter((document) => !isObject(document) && !isEmpty(document)),
    held,
    passed: objects
      .filter((document) => !held.some((one) => one.document === document))
      .map((document) => ({
        kind: String(document.get('kind')),
        name: String(document.getIn(['metadata', 'name']) ?? ''),
        offset: document.contents?.range[0] ?? document.range[0],
      })),
  }
}

/** What every Kubernetes object begins with; no section of a configuration is called so. */
const isObject = (document: Parsed): boolean =>
  isMap(document.contents) && document.contents.has('apiVersion') && document.contents.has('kind')

const isEmpty = (document: Parsed): boolean =>
  document.errors.length === 0 && (document.contents === null || isNothing(document.contents))

const isNothing = (node: Node): boolean => isScalar(node) && node.value === null && node.source === ''

function textsOf(document: Parsed): readonly Scalar<string>[] {
  const data: unknown = document.get('kind') === 'ConfigMap' ? document.get('data', true) : undefined
  return isMap(data) ? data.items.map(({ value }) => value).filter(holdsEventSources) : []
}

/** By its text, so that one that is not sound YAML is told to be so. */
const holdsEventSources = (value: unknown): value is Scalar<string> =>
  isScalar(value) && typeof value.value === 'string' && /^["']?event_sources["']?\s*:/m.test(value.value)
