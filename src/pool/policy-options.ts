/** A policy: what functions under it may have at most, in the form of the files `edge-strict` and `edge-moderate`. */

import { posix } from 'node:path'
import * as z from 'zod'
import { hostText } from './allow-options.ts'

/** ConfigMaps hold text alone: a number may stand in it. */
const count = (least: number) =>
  z.union([
    z.int().min(least),
    z
      .string()
      .regex(/^\d{1,12}$/, { error: ({ input }) => `"${input}" is no whole number` })
      .transform(Number)
      .refine((number) => number >= least, { error: `expected at least ${least}` }),
  ])

const dir = z.strictObject({
  guestPath: z
    .string()
    .refine((path) => posix.isAbsolute(path), { error: ({ input }) => `"${input}" is no absolute path, such as /data` })
    .transform((path) => posix.normalize(path).replace(/(.)\/$/, '$1'))
    .describe('Where functions see it.'),
  hostPath: z.string().min(1).describe('The folder; relative to the file of the policy.'),
  readonly: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
    .default(true)
    .describe('Whether it may be read alone.'),
})

export const policyConfig = z.strictObject({
  maxMemoryPages: count(1).optional().describe('`memory` at most, in pages of 64 KiB.'),
  executionTimeoutMs: count(1).optional().describe('`timeout` at most, in milliseconds.'),
  allowedHosts: z
    .array(hostText)
    .optional()
    .describe('Hosts of `allow.http`, as they are written there; what a function gets that names none.'),
  allowedEnvVars: z
    .array(z.string().regex(/^[^=\0*]*\*?$/, { error: ({ input }) => `"${input}" is no name of a variable` }))
    .optional()
    .describe('Names that may stand under `env`; a * at the end of one stands for any rest.'),
  allowedDirs: z
    .array(dir)
    .optional()
    .describe('Folders of `allow.dirs`, with all that is in them; what a function gets that names none.'),
  maxNetworkRequests: count(0).optional().describe('`allow.http.requests` at most; with 0 no host is allowed.'),
})

/** What stands in a list of a policy. */
export const POLICY_SECTIONS = { 'allowedDirs[]': dir }

export const POLICY_KEYS: ReadonlySet<string> = new Set(Object.keys(policyConfig.shape))

export type PolicyConfig = z.output<typeof policyConfig>
