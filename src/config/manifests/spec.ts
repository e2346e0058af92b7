/** What a WasmFunction says of itself: the options under `spec`. */

import * as z from 'zod'
import type { Aliases } from './aliases.ts'
import { environment, ownName } from './environment.ts'
import { memory, time } from './quantity.ts'

const replicas = (least: number, text: string) => z.int().min(least).max(1_000).optional().describe(text)

/** Under `metadata`: the rest of it is for Kubernetes. */
export const metadata = z.looseObject({
  name: ownName.describe('What the function is called.'),
  labels: z
    .record(z.string(), z.string({ error: ({ input }) => `expected text, got ${input}; write it in quotes` }))
    .optional()
    .describe(
      'Labels; `app.kubernetes.io/version` is the `version` of the function, others say nothing to the gateway.',
    ),
})

export const spec = z.strictObject({
  image: z
    .string()
    .min(1)
    .describe(
      'Its file: the path of a .wasm file, beginning at the folder of the manifest, or the name of one in the folder of `--functions`: `resize`, `resize.wasm`, `resize:2` for `resize@2.wasm`. Or the path of an OCI image layout, `./layout`, `./layout:tag` or `./layout@sha256:...`, whose one layer of Wasm it is.',
    ),
  minReplicas: replicas(0, 'Instances that are kept warm: `pool.min`.'),
  maxReplicas: replicas(1, 'Instances at most: `pool.max`.'),
  timeout: time()
    .optional()
    .describe('A call that runs longer is ended: a number of seconds, or a duration such as `30s`, `1m30s`, `500ms`.'),
  environment: environment
    .optional()
    .describe('Environment variables: a mapping, or a list of `{ name, value }`. The function sees no others.'),
  resources: z
    .strictObject({
      limits: z
        .strictObject({
          memory: memory()
            .optional()
            .describe('What its memory may grow to: a quantity such as `64Mi`, `128M`, or a number of bytes.'),
        })
        .optional(),
    })
    .optional(),
  approve: z
    .array(z.string().min(1))
    .optional()
    .describe('What a version may ask for that those before it did not: `approve` of a function.'),
  triggers: z
    .array(z.unknown())
    .optional()
    .describe('What calls it: a list of `{ triggerType, config, name? }`. Without any it is called by its name alone.'),
})

/** What others call an option. */
export const ALIASES: Aliases = {
  env: 'environment',
  timeoutSeconds: 'timeout',
  timeout_seconds: 'timeout',
  min_replicas: 'minReplicas',
  max_replicas: 'maxReplicas',
  module: 'image',
  wasm: 'image',
}

/** What to write in the place of an option that others have. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  replicas: 'write minReplicas and maxReplicas',
  envFrom: `write each variable in environment, its value as "\${NAME}" or "\${file:/run/secrets/name}"`,
  trigger: 'write triggers, a list',
  memory: 'write resources: { limits: { memory: 64Mi } }',
  concurrency: 'write concurrency on a route in a configuration',
  retry: 'write retry on a route in a configuration; a kafka trigger has retryAttempts',
  ports: 'a function has no port; write a trigger of triggerType http',
  command: 'a function has no command; its file exports what is called',
  args: 'a function has no arguments; write environment',
  volumeMounts: 'a function sees no files',
  volumes: 'a function sees no files',
}

/** Of `resources`, what is passed over with a note, and why. */
export const PASSED_OVER = {
  cpu: 'a call is bounded by timeout, and calls at once by maxReplicas',
  requests: 'nothing is reserved; minReplicas keeps instances warm',
}
