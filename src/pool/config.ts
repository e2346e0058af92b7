/** The options of a function in the configuration. */

import * as z from 'zod'
import { duration, size } from '../schema/index.ts'
import { allowOptions } from './allow-options.ts'
import { poolOptions } from './pool-options.ts'
import { probeOptions } from './probe-options.ts'
import { recordOptions } from './record-options.ts'

export { ALLOW_SECTIONS, type AllowConfig, allowOptions, grantsOf } from './allow-options.ts'
export { POLICY_KEYS, POLICY_SECTIONS, type PolicyConfig, policyConfig } from './policy-options.ts'

const options = z.strictObject({
  wasm: z
    .string()
    .min(1)
    .describe(
      'The .wasm file, of any interface that functions/README.md names, or an OCI image layout: `./layout`, `./layout:tag`, `./layout@sha256:...`; relative to the configuration file.',
    ),
  version: z
    .union([z.string().regex(/^[\w.-]+$/), z.int().min(0).transform(String)])
    .optional()
    .describe(
      'Named in `to: name@version`, and told to the function. A file that has run under a version stays what it is: a changed one needs another. Several stand beside each other as `name@version`.',
    ),
  pool: poolOptions.prefault({}).describe('How many instances are kept.'),
  timeout: duration().prefault('30s').describe('A call that runs longer is ended, and its instance with it.'),
  memory: size().prefault('64MiB').describe('What each linear memory of an instance may grow to.'),
  env: z
    .record(z.string(), z.string())
    .default({})
    .describe('Environment variables the function sees; it sees no others.'),
  allow: allowOptions
    .prefault({})
    .describe('What it may reach beyond clocks, random numbers and `env`: nothing that is not named here.'),
  policy: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The policy that it is under, by its name in `policies`: what it asks beyond that is a mistake, and of `memory`, `timeout`, hosts and folders it gets what the policy has where it says nothing itself.',
    ),
  output: z
    .enum(['plain', 'outcome'])
    .default('plain')
    .describe(
      'What it answers: `plain` is the reply as it stands; `outcome` is JSON `{ success, data, error, metadata, status, events }`, of which `success: false` is a failure, `events` are emitted, `status` is that of the reply in HTTP, and the rest is what the caller gets, with what the gateway measured as `metadata`.',
    ),
  record: recordOptions
    .prefault('failure')
    .describe(
      'Of which calls it is kept what they were given while they ran (clocks, random numbers, config, what a store or another server told): `headgate function replay <dead letter>` runs one again with that. `failure` keeps it with the dead letter, `always` also of what succeeds, `never` nothing; `{ when, limit }` says how much of one call, 64KiB when not given.',
    ),
  probe: probeOptions
    .optional()
    .describe(
      'A call that it must answer when it is loaded. It fails a start, and refuses a reload: the versions that ran go on.',
    ),
  approve: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'What a version may ask for that those before it did not, such as `wasi:sockets`; `headgate function diff` says what that is. Without it such a version is refused.',
    ),
  call: z
    .boolean()
    .default(true)
    .describe('Whether anyone may call it by its name, as `service/<name>` and `POST /call/<name>`.'),
})

/** A function: a path, or its options. */
export const functionConfig = z.union([
  z
    .string()
    .min(1)
    .transform((wasm) => options.parse({ wasm })),
  options,
])

/** A function's options with every default filled in; milliseconds and bytes. */
export type FunctionConfig = z.output<typeof functionConfig>
