/** Bench `path --direct`: an HTTP call, small Wasm function, reply; not journaled. */

import { callingGateway } from './headgate.ts'
import { JSON_TYPE, json, PROOF } from './payload.ts'
import { extism } from './peers/extism.ts'
import { functionsFramework } from './peers/functions-framework.ts'
import { httpWasm } from './peers/http-wasm.ts'
import { type Case, compare, type Outcome, type Plan } from './rounds.ts'

function cases(): Case[] {
  const subjects = [
    { name: 'headgate, POST /call', subject: callingGateway('headgate', 'disk') },
    ...[httpWasm, functionsFramework, extism].map((subject) => ({ name: subject.name, subject })),
  ]
  const payload = json(1024)
  return [1, 64].flatMap((clients) =>
    subjects.map(({ name, subject }) => ({
      name,
      label: clients === 1 ? '1 connection' : `${clients} connections`,
      subject,
      port: 'http',
      load: { protocol: 'http', mode: 'request', path: '/call/echo', clients, window: 1, payload, headers: JSON_TYPE },
      expected: PROOF,
    })),
  )
}

/** Runs the bench; half load for the gateway at 64 connections. */
export function direct(plan: Plan): Promise<Outcome> {
  const half = ({ name, label }: Case): boolean => name.startsWith('headgate') && label === '64 connections'
  return compare('path-direct', cases(), plan, half)
}
