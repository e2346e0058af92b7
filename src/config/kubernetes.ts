/** Picks the configuration out of Kubernetes objects: what a ConfigMap holds under `data`, and functions. */

import { type Document, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml'
import { POLICY_KEYS } from '../pool/config.ts'
import { nearest } from '../schema/index.ts'

type Parsed = Document.Parsed

/** The kind of object that is a function. */
export const WASM_FUNCTION = 'WasmFunction'

/** What the documents of a file are. */
export interface Picked {
  /** Those that are no Kubernetes object, empty ones left out. */
  readonly plain: readonly Parsed[]
  /** Texts of ConfigMaps that hold `event_sources`. */
  readonly held: readonly { readonly document: Parsed; readonly text: Scalar<string> }[]
  /** ConfigMaps that hold policies of functions, with the texts that do. */
  readonly policies: readonly HeldPolicies[]
  /** Objects that are functions. */
  readonly functions: readonly Held[]
  /** Objects that are none of this, with the offset at which each begins. */
  readonly passed: readonly { readonly what: string; readonly offset: number }[]
}

/** The texts of a ConfigMap that are, or hold, policies, by their keys. */
interface HeldPolicies {
  readonly name: string
  readonly node: YAMLMap
  readonly texts: readonly { readonly key: string; readonly text: Scalar<string> }[]
}

/** An object and the document that it is, or that lists it. */
interface Held {
  readonly document: Parsed
  readonly node: YAMLMap
}

/** Tells the documents of a file apart. */
export function pick(documents: readonly Parsed[]): Picked {
  const objects = documents.flatMap(objectsOf)
  const held = objects.flatMap(({ document, node }) => textsOf(node).map((text) => ({ document, node, text })))
  const functions = objects.filter(({ node }) => node.get('kind') === WASM_FUNCTION)
  const policies = objects.flatMap(({ node }) => policiesIn(node))
  return {
    plain: documents.filter((document) => !isObject(document.contents) && !isEmpty(document)),
    held,
    policies,
    functions,
    passed: objects
      .filter(
        (object) => !functions.includes(object) && ![...held, ...policies].some(({ node }) => node === object.node),
      )
      .map(({ document, node }) => ({ what: described(node), offset: node.range?.[0] ?? document.range[0] })),
  }
}

/** What every Kubernetes object begins with; no section of a configuration is called so. */
const isObject = (node: unknown): node is YAMLMap =>
  isMap(node) && node.has('kind') && (node.has('apiVersion') || node.get('kind') === WASM_FUNCTION)

/** The object that a document is, or those that it lists, as `kubectl get -o yaml` does. */
function objectsOf(document: Parsed): readonly Held[] {
  const node: unknown = document.contents
  if (!isObject(node)) return []
  const items: unknown = node.get('kind') === 'List' ? node.get('items', true) : undefined
  return (isSeq(items) ? items.items.filter(isObject) : [node]).map((one) => ({ document, node: one }))
}

function described(node: YAMLMap): string {
  const kind = String(node.get('kind'))
  const meant = nearest(kind, [WASM_FUNCTION])
  return `${kind} "${String(node.getIn(['metadata', 'name']) ?? '')}"${meant ? `; did you mean kind: ${meant}?` : ''}`
}

const isEmpty = (document: Parsed): boolean =>
  document.errors.length === 0 && (document.contents === null || isNothing(document.contents))

const isNothing = (node: Node): boolean => isScalar(node) && node.value === null && node.source === ''

/** What a ConfigMap holds that has a key of policies in it, or for its name. */
function policiesIn(node: YAMLMap): readonly HeldPolicies[] {
  const data: unknown = node.get('kind') === 'ConfigMap' ? node.get('data', true) : undefined
  const texts = (isMap(data) ? data.items : []).flatMap(({ key, value }) => {
    const name = String(isScalar(key) ? key.value : key)
    if (!isText(value) || EVENT_SOURCES.test(value.value)) return []
    return POLICY_KEYS.has(name) || POLICY.test(value.value) ? [{ key: name, text: value }] : []
  })
  return texts.length === 0 ? [] : [{ name: String(node.getIn(['metadata', 'name']) ?? 'policy'), node, texts }]
}

/** A key of a policy, in YAML or JSON. */
const POLICY = new RegExp(`(^|[\\s{,])["']?(${[...POLICY_KEYS].join('|')})["']?\\s*:`, 'm')

const isText = (value: unknown): value is Scalar<string> => isScalar(value) && typeof value.value === 'string'

function textsOf(node: YAMLMap): readonly Scalar<string>[] {
  const data: unknown = node.get('kind') === 'ConfigMap' ? node.get('data', true) : undefined
  return isMap(data) ? data.items.map(({ value }) => value).filter(holdsEventSources) : []
}

/** By its text, so that one that is not sound YAML is told to be so. */
const holdsEventSources = (value: unknown): value is Scalar<string> => isText(value) && EVENT_SOURCES.test(value.value)

const EVENT_SOURCES = /^["']?event_sources["']?\s*:/m
