/** What the command line says instead of the configuration. */

import { join } from 'node:path'
import { brokerConfig } from '../broker/config.ts'
import type { Config } from '../config/index.ts'
import { address } from '../schema/index.ts'
import { inputError } from './exit.ts'

export interface Overrides {
  readonly http?: string
  readonly admin?: string
  readonly mqtt?: readonly string[] | string
  readonly data?: string
}

/** Returns the configuration with what was typed, or set in the environment, in its place. */
export function override(config: Config, { http, admin, mqtt, data }: Overrides): Config {
  const listen = mqtt === undefined ? undefined : listenUrls([mqtt].flat())
  return {
    ...config,
    broker: {
      ...config.broker,
      ...(listen ? { listen } : {}),
      ...(data === undefined ? {} : { path: join(data, 'broker') }),
    },
    ...(http === undefined ? {} : { http: Object.assign({}, config.http, { listen: hostAndPort(http, '--http') }) }),
    ...(admin === undefined ? {} : { admin: { ...config.admin, listen: hostAndPort(admin, '--admin') } }),
    ...(data === undefined ? {} : { journal: { ...config.journal, path: join(data, 'journal') } }),
  }
}

function hostAndPort(text: string, flag: string) {
  const read = address().safeParse(text)
  if (!read.success) throw inputError(`${flag}: ${read.error.issues[0]?.message}`)
  return read.data
}

function listenUrls(texts: readonly string[]) {
  const read = brokerConfig.shape.listen.safeParse(texts.flatMap((text) => text.split(',')))
  if (!read.success) throw inputError(`--mqtt: ${read.error.issues[0]?.message}`)
  return read.data
}
