/** Reads one attribute of an event, context attribute or extension, by its name. */

import type { CloudEvent, ExtensionValue } from '../event/index.ts'

/** Returns what reads the attribute of this name; undefined is what an event says that does not have it. */
export function attributeReader(name: string): (event: CloudEvent) => ExtensionValue | undefined {
  switch (name) {
    case 'specversion':
    case 'id':
    case 'source':
    case 'type':
    case 'subject':
    case 'time':
    case 'datacontenttype':
    case 'dataschema':
      return (event) => event[name]
    default:
      return ({ extensions }) =>
        extensions !== undefined && Object.hasOwn(extensions, name) ? extensions[name] : undefined
  }
}
