/** What the tests of the configuration share: a sink with every kind of option, and the ways to read a text. */

import { expect } from 'vitest'
import * as z from 'zod'
import { connectors } from '../../connectors/index.ts'
import { defineConnector, defineSink, duration, secret } from '../connector/index.ts'
import { type LoadOptions, parseConfig } from './load.ts'
import { ConfigError, type Problem } from './problem.ts'

const store = defineConnector({
  type: 'store',
  title: 'Store',
  summary: 'Keeps events.',
  stability: 'experimental',
  since: '0.1.0',
  sink: defineSink({
    config: z.strictObject({
      url: z.string().describe('Where.'),
      password: secret().optional().describe('The password.'),
      wait: duration().prefault('5s').describe('How long.'),
      listen: z
        .string()
        .regex(/^\d+$/, { error: ({ input }) => `"${input}" is no port` })
        .optional(),
    }),
    create: () => ({ start: async () => {}, deliver: async () => {}, stop: async () => {} }),
  }),
})

export const options: LoadOptions = { connectors: [...connectors, store], env: { PORT: '7', SECRET: 'hunter2' } }

export const parse = (text: string, given: Partial<LoadOptions> = {}) =>
  parseConfig(text, 'x.yaml', { ...options, ...given })

/** What is wrong with a text. */
export const problemsOf = (text: string, given: Partial<LoadOptions> = {}): readonly Problem[] => {
  try {
    parse(text, given)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', disposition: 'fatal' })
    return error.problems
  }
  return []
}

/** The same, each as one line. */
export const mistakes = (text: string, given: Partial<LoadOptions> = {}): readonly string[] =>
  problemsOf(text, given).map(({ line, column, path, message, suggestion }) =>
    [`${line}:${column} ${path}: ${message}`, ...(suggestion ? [suggestion] : [])].join(' | '),
  )

export const FUNCTIONS = 'functions: { echo: echo.wasm }\n'
