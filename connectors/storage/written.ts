/** CloudEvent -> the path and the bytes of a file or object. Pure. */

import { hash } from 'node:crypto'
import { type CloudEvent, expandTemplate, formatJsonEvent, STRUCTURED_TYPE } from '#connector'

export interface Written {
  readonly path: string
  readonly body: Uint8Array
  readonly type: string
}

export interface Writing {
  readonly mode: 'structured' | 'data'
  readonly path?: string | undefined
}

/** S3 takes keys of 1,024 bytes. */
const LONGEST = 1_024

/** Returns what is written of an event. Throws an error that says why there is no path for it. */
export function toWritten(event: CloudEvent, { mode, path: template }: Writing): Written {
  const path = template === undefined ? nameOf(event, mode) : expandTemplate(template, event)
  const parts = path.split('/')
  if (path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new Error(`"${path}" is no path: each of its parts has a name, and none is "." or ".."`)
  if (Buffer.byteLength(path) > LONGEST) throw new Error(`its path is longer than ${LONGEST} bytes`)
  if (mode === 'structured') return { path, body: formatJsonEvent(event), type: STRUCTURED_TYPE }
  return { path, body: event.data ?? new Uint8Array(), type: event.datacontenttype ?? 'application/octet-stream' }
}

/** The same for each attempt of an event, and for no other one. */
const nameOf = ({ id, source }: CloudEvent, mode: Writing['mode']): string =>
  `${hash('sha256', `${source}\0${id}`, 'base64url')}${mode === 'structured' ? '.json' : ''}`
