/** Probes functions: each must answer the call that its configuration names before it gets any other. */

import { isDeepStrictEqual } from 'node:util'
import { GatewayError, toGatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import type { FunctionPool, FunctionSpec, Probe } from './pool.ts'

/** Resolves once all of these that have a probe have passed it; rejects with FUNCTION_UNHEALTHY, a line for each that has not. */
export async function probe(pool: Pick<FunctionPool, 'invoke'>, functions: readonly FunctionSpec[]): Promise<void> {
  const told = await Promise.all(
    functions.flatMap((spec) => (spec.probe ? [complaint(pool, versioned(spec), spec.probe)] : [])),
  )
  const problems = told.filter((one) => one !== undefined)
  if (problems.length > 0) throw new GatewayError('FUNCTION_UNHEALTHY', problems.join('\n'))
}

/** Resolves to what is wrong; what it emits is dropped. */
async function complaint(
  pool: Pick<FunctionPool, 'invoke'>,
  name: string,
  { event, reply: expected, timeoutMs }: Probe,
): Promise<string | undefined> {
  const call = { function: name, event, callId: `probe/${name}`, attempt: 1, deadline: Date.now() + timeoutMs }
  try {
    const { reply } = await pool.invoke(call, AbortSignal.timeout(timeoutMs))
    const got = reply === undefined ? '' : Buffer.from(reply.data).toString()
    if (expected === undefined || got === expected || isDeepStrictEqual(parsed(got), expected)) return undefined
    const answered = got === '' ? 'nothing' : short(got)
    return `${name} (function): probing: it answered ${answered}, and ${JSON.stringify(expected)} is expected`
  } catch (thrown) {
    const error = toGatewayError(thrown)
    return `${name} (function): probing: it did not pass: ${error.message}`
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const short = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text)
