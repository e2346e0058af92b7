/** Packets with a text that ends beyond them: mqtt-packet hands some of them on, with null where the text should be. */

type Properties = Readonly<Record<string, unknown>>

interface Torn {
  readonly cmd?: string | undefined
  readonly topic?: string | null
  readonly properties?: Properties
  readonly will?: { readonly properties?: Properties }
}

/**
 * Whether a packet has such a text, in its topic, its properties or those of its will. aedes reads the topic, and writes
 * the properties to those who subscribe: both end the process.
 */
export const isTorn = ({ cmd, properties, topic, will }: Torn): boolean =>
  (cmd === 'publish' && topic === null) || hasNull(properties) || hasNull(will?.properties)

function hasNull(properties: Properties | undefined): boolean {
  if (properties === undefined) return false
  for (const value of Object.values(properties)) {
    if (value === null) return true
    // One of the user properties is a text, or a list of texts.
    if (typeof value === 'object' && !ArrayBuffer.isView(value) && Object.values(value).flat().includes(null))
      return true
  }
  return false
}
