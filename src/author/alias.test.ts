/** The other name of interfaces, and back. */

import { expect, test } from 'vitest'
import { aliasedModule, aliasedWit, unaliased } from './alias.ts'

test('WIT and imports take the other name where the engine has resources of its own, and nowhere else', () => {
  expect(aliasedWit('package wasi:http@0.2.0;\nuse wasi:io/poll@0.2.0.{pollable};\nimport wasi:keyvalue/store;')).toBe(
    'package wasx:http@0.2.0;\nuse wasx:io/poll@0.2.0.{pollable};\nimport wasi:keyvalue/store;',
  )
  const code = 'import { poll } from "wasi:io/poll@0.2.0"; import { get } from "wasi:config/store"; say("wasi:io/poll")'
  expect(aliasedModule(code)).toBe(code.replace('from "wasi:io', 'from "wasx:io'))
})

test('of a component the imports alone take their own names again', () => {
  const section = (id: number, text: string) => Buffer.concat([Buffer.from([id, text.length]), Buffer.from(text)])
  const header = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])
  // A size of two bytes before it.
  const long = Buffer.concat([Buffer.from([0, 0x80 | 72, 1]), Buffer.alloc(200)])
  const made = (name: string) =>
    Buffer.concat([header, long, section(1, 'wasx:io'), section(10, `a ${name}io b ${name}http`)])
  expect(Buffer.from(unaliased(made('wasx:')))).toEqual(made('wasi:'))
})
