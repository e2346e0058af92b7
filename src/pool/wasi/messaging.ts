/** `headgate:function/messaging` and `call`, and messaging as components of wasmCloud import it. */

import { takesTopic } from '../../event/topic.ts'
import { type Grants, wanting } from '../grants.ts'
import { type Answered, HostError } from '../host.ts'
import type { Port } from '../port.ts'
import { lifting } from './budget.ts'
import type { Denied } from './denial.ts'

/** `body` of our types. */
interface Body {
  readonly tag: 'text' | 'binary'
  readonly val: string | Uint8Array
}

interface Message {
  readonly topic: string
  readonly data: Body
  readonly datacontenttype: string | undefined
}

/** A message as wasmCloud has it. */
interface BrokerMessage {
  readonly subject: string
  readonly body: Uint8Array
}

/** Makes the interfaces for one guest. */
export function messaging(grants: Grants | undefined, denied: Denied, port: Port | undefined) {
  const may: May = (how, topic, what) => {
    lifting.reset()
    if (port && grants?.messaging[how].some((filter) => takesTopic(filter, topic))) return port
    denied(what, wanting.messaging(how, topic))
    throw { tag: 'denied' }
  }
  const publish = ({ topic, data, datacontenttype }: Message) => {
    const out = may('publish', topic, `${OURS}#publish`)
    return asking(out.ask('messaging.publish', { topic, data: bytesOf(data), datacontenttype }))
  }
  const request = ({ topic, data, datacontenttype }: Message, timeout: bigint | undefined) => {
    const out = may('request', topic, `${OURS}#request`)
    const timeoutMs = timeout === undefined ? undefined : Number(timeout)
    const message = { topic, data: bytesOf(data), datacontenttype }
    return asking(out.ask('messaging.request', { message, timeoutMs }).then(payloadOf))
  }
  return { [OURS]: { publish, request }, [CLOUD]: cloud(may) }
}

/** Says no before anything waits: a guest that is granted nothing is not made to wait. */
type May = (how: 'publish' | 'request', topic: string, what: string) => Port

const cloud = (may: May) => ({
  publish: ({ subject: topic, body: data }: BrokerMessage) => {
    const out = inWords(() => may('publish', topic, `${CLOUD}#publish`))
    return worded(out.ask('messaging.publish', { topic, data }))
  },
  request: (topic: string, data: Uint8Array, timeoutMs: number) => {
    const out = inWords(() => may('request', topic, `${CLOUD}#request`))
    const answer = out.ask('messaging.request', { message: { topic, data }, timeoutMs })
    return worded(answer.then((one) => ({ subject: topic, body: one.data, replyTo: undefined })))
  },
})

const OURS = 'headgate:function/messaging'
const CLOUD = 'wasmcloud:messaging/consumer'

/** Makes `call` for one guest. */
export function call(grants: Grants | undefined, denied: Denied, port: Port | undefined) {
  const what = 'headgate:function/call'
  return {
    [what]: {
      call: (name: string, parameters: string) => {
        lifting.reset()
        if (!port || !grants?.call.includes(name)) {
          denied(`${what}#call`, wanting.call(name))
          throw { tag: 'denied' }
        }
        return asking(port.ask('call', { name, parameters }).then(payloadOf))
      },
    },
  }
}

const bytesOf = ({ val }: Body): Uint8Array => (typeof val === 'string' ? Buffer.from(val) : val)

const payloadOf = ({ data, datacontenttype, status }: Answered) => ({
  data: bodyOf(data),
  datacontenttype,
  status,
})

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text where it is text. */
function bodyOf(data: Uint8Array): Body {
  try {
    return { tag: 'text', val: TEXT.decode(data) }
  } catch {
    return { tag: 'binary', val: data }
  }
}

/** Says what went wrong in the terms of `host-types`. */
async function asking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const { kind, code = '', message } = error
    if (kind === 'failed') throw { tag: kind, val: { code, message } }
    throw kind === 'timeout' ? { tag: kind } : { tag: 'unavailable', val: message }
  }
}

/** The same as a text. */
const worded = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    throw error instanceof HostError ? error.message : error
  })

function inWords<T>(check: () => T): T {
  try {
    return check()
  } catch {
    throw 'denied'
  }
}
