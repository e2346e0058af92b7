/** A replay for people and machines: what was given, how it ended then and now, and what that means. */

import { isUtf8 } from 'node:buffer'
import type { Input, Recording } from '../pool/recording.ts'
import type { Played, Told } from '../pool/replay.ts'
import { failureText } from './history.ts'
import type { RecordedCall } from './records.ts'
import { counted, type Paint, shown } from './terminal.ts'

export interface Replayed {
  readonly delivery: Pick<RecordedCall, 'id' | 'error'>
  readonly recording: Recording
  readonly played: Played
  readonly told: readonly Told[]
}

type Step = Exclude<Told, { kind: 'line' }>

/** One thing that it asked for: which, what it was given, and where in the function that is. */
export function givenLines(step: Step, paint: Paint): readonly string[] {
  const at = String(step.at).padStart(4)
  if (step.kind === 'given')
    return [`${at}  ${askedText(step.input)}: ${gaveText(step.input)}`, ...placeLines(step, paint)]
  if (step.kind === 'waits') {
    const text = `${at}  ${askedText(step.asked)}: not told before the call was ended`
    return [paint('yellow', text), ...placeLines(step, paint)]
  }
  const expected = step.expected === undefined ? 'nothing more' : askedText(step.expected)
  const given = step.madeUp ? '; it is given something made up' : ''
  const text = `${at}  it asks for ${askedText(step.asked)}, recorded was ${expected}${given}`
  return [paint('yellow', text), ...placeLines(step, paint)]
}

/** Where in the function that is: from the inside out. */
const placeLines = ({ frames = [] }: { readonly frames?: readonly string[] }, paint: Paint): readonly string[] =>
  frames.length === 0 ? [] : [paint('dim', `      ${frames.slice(0, FRAMES).map(placeText).join(' < ')}`)]

/** Functions of a guest that are told of one place. */
const FRAMES = 8
const SHORT = 200

/** Names of Rust and C++ as they are written there, where they are of the older kind; without the module's. */
function placeText(frame: string): string {
  const [, name = frame, offset = ''] = /^(?:[^:]*\.wasm\.)?(.*)(:0x[0-9a-f]+)$/.exec(frame) ?? []
  return shown(`${short(readable(name), NAME)}${offset}`)
}

const NAME = 80

function readable(name: string): string {
  if (!/^_ZN\d/.test(name)) return name
  const parts: string[] = []
  let rest = name.slice(3)
  for (let found = /^(\d+)/.exec(rest); found; found = /^(\d+)/.exec(rest)) {
    const [digits = ''] = found
    parts.push(rest.slice(digits.length, digits.length + Number(digits)))
    rest = rest.slice(digits.length + Number(digits))
  }
  // The last part is a hash.
  return parts.filter((part, at) => at === 0 || at < parts.length - 1 || !/^h[0-9a-f]{16}$/.test(part)).join('::')
}

const askedText = ({ name, asked }: Input): string => shown(asked === undefined ? name : `${name} ${valueText(asked)}`)

function gaveText({ name, ...rest }: Input): string {
  if ('threw' in rest) return `the error ${shown(valueText(rest.threw))}`
  const { gave } = rest
  if (name === 'wall clock' && typeof gave === 'number') return new Date(gave).toISOString()
  if (name === 'steady clock' && typeof gave === 'number') return `${gave.toFixed(3)} ms`
  if (name === 'random' && gave instanceof Uint8Array) return short(Buffer.from(gave).toString('hex'))
  return shown(valueText(gave))
}

/** Text where it is text. */
const valueText = (value: unknown): string => short(JSON.stringify(plain(value)) ?? 'nothing')

const short = (text: string, most = SHORT): string => (text.length > most ? `${text.slice(0, most)}...` : text)

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value)
    return isUtf8(bytes) ? bytes.toString() : { hex: bytes.toString('hex') }
  }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}

/** Where it trapped this time. */
export const trapLines = ({ frames = [] }: Played, paint: Paint): readonly string[] =>
  frames.length === 0 ? [] : ['   !  it traps', ...placeLines({ frames }, paint)]

/** What failed, how it failed then and how it ended now. */
export function replayLines(replayed: Replayed, paint: Paint): readonly string[] {
  const { delivery, played, recording } = replayed
  const { attempt, inputs, sha256, start } = recording
  const all = start.length + inputs.length
  const now = played.fault ? failureText(played.fault) : `it succeeds${replyText(played)}`
  const alike = difference(replayed) === undefined
  return [
    `${paint('bold', delivery.id)} ${shown(nameOf(recording))}, sha256 ${sha256.slice(0, 12)}..., attempt ${attempt}, ${instanceText(recording)}`,
    `  then  ${delivery.error ? failureText(delivery.error) : 'it succeeded'}`,
    `  now   ${paint(alike ? 'green' : 'yellow', now)}`,
    `  ${alike ? alikeText(replayed) : 'not the same'} in ${played.runMs.toFixed(2)} ms, with ${all - played.left} of ${counted(all, 'recorded input')}`,
  ]
}

const alikeText = ({ delivery, recording }: Replayed): string => {
  if (recording.ended) return 'the same end, its deadline,'
  return delivery.error ? 'the same failure' : 'it succeeds again'
}

const nameOf = ({ function: name, version }: Recording): string => (version === '' ? name : `${name}@${version}`)

const instanceText = ({ earlier }: Recording): string =>
  earlier === 0 ? 'on a fresh instance' : `on an instance that had run ${counted(earlier, 'call')} before`

function replyText({ reply }: Played): string {
  if (!reply) return ' without a reply'
  const bytes = Buffer.from(reply.data)
  return isUtf8(bytes) ? `: ${shown(short(bytes.toString()))}` : `: ${bytes.length} bytes`
}

/** What is not as it was, and why that may be; undefined when it failed alike. */
export function difference({ delivery, played, recording, told }: Replayed): string | undefined {
  const { error } = delivery
  const { fault } = played
  if (played.diverged) return `${divergedText(told, recording)}${why(recording)}`
  if (!error) return fault && `it fails now, and succeeded then${why(recording)}`
  if (!fault) return `it did not fail again${why(recording)}`
  if (recording.ended && fault.code === 'FUNCTION_TIMED_OUT' && played.left > 0)
    return `it was ended before it had asked for ${counted(played.left, 'recorded input')}; is this machine slower?`
  const place = fault.fingerprint === error.fingerprint
  // A fallback that failed as well is told behind it.
  if (fault.code === error.code && place && (error.fingerprint || error.message.startsWith(fault.message)))
    return undefined
  return `it failed otherwise${why(recording)}`
}

function divergedText(told: readonly Told[], { cut }: Recording): string {
  const other = told.findLast((each) => each.kind === 'other')
  if (other?.kind !== 'other') return 'it asked for what was not recorded'
  if (other.expected === undefined && cut)
    return `the recording ends after ${counted(other.at - 1, 'input')}, as it was limited, and the function asks for more; raise "record: { limit }" of it for the next failure`
  const then = other.expected === undefined ? 'nothing more' : askedText(other.expected)
  return `input ${other.at}: recorded was ${then}, it asks for ${askedText(other.asked)}`
}

function why({ earlier, cut }: Recording): string {
  if (earlier > 0)
    return `; the instance had run ${counted(earlier, 'call')} before, and what those left in it is not recorded: with "pool: { reuse: 1 }" every call has a fresh one, and its failure can be replayed`
  return cut ? '' : '; what is not recorded is its environment: is it as it was?'
}

export const replayView = (replayed: Replayed): object => {
  const { delivery, played, recording, told } = replayed
  const { reply, events, ...rest } = played
  const { function: _, start, inputs, grants, ...known } = recording
  const steps = told.flatMap((each) => (each.kind === 'line' ? [] : [plain(each)]))
  const log = told.flatMap((each) => (each.kind === 'line' ? [{ level: each.level, message: each.message }] : []))
  return {
    same: difference(replayed) === undefined,
    id: delivery.id,
    function: nameOf(recording),
    ...known,
    failed: delivery.error,
    now: { ...rest, ...(reply && { reply: plain(reply.data) }), events: events.length },
    steps,
    log,
  }
}
