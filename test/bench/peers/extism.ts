/** node:http before a pool of four Extism plugins, each in a worker, with the smallest echo plugin there can be. */

import { writeFileSync } from 'node:fs'
import { freePort, start } from '../child.ts'
import { installed } from './npm.ts'
import { program, type Subject, scratch } from './subject.ts'

export const extism: Subject = {
  name: 'Extism, pool of 4',
  async start() {
    const folder = installed('@extism/extism', '1.0.3')
    const { parse } = await import('@bytecodealliance/jco')
    const http = await freePort()
    const files = scratch('extism')
    writeFileSync(`${files.path}/echo.wasm`, await parse(PLUGIN))
    const args = [program('extism.server.ts'), folder, `${files.path}/echo.wasm`, String(http)]
    const child = await start(process.execPath, args, { ports: [http] })
    const stop = async (): Promise<void> => {
      await child.stop()
      files.remove()
    }
    return { ports: { http }, pids: [child.pid], stop }
  },
}

/** Copies its input to its output, eight bytes at a time, through Extism's host functions. */
const PLUGIN = `(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $load64 (param i64) (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u64" (func $store64 (param i64 i64)))
  (import "extism:host/env" "store_u8" (func $store8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 1)
  (func (export "echo") (result i32)
    (local $n i64) (local $to i64) (local $i i64)
    (local.set $n (call $length))
    (local.set $to (call $alloc (local.get $n)))
    (block $words (loop $more
      (br_if $words (i64.gt_u (i64.add (local.get $i) (i64.const 8)) (local.get $n)))
      (call $store64 (i64.add (local.get $to) (local.get $i)) (call $load64 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 8)))
      (br $more)))
    (block $bytes (loop $more
      (br_if $bytes (i64.ge_u (local.get $i) (local.get $n)))
      (call $store8 (i64.add (local.get $to) (local.get $i)) (call $load8 (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $more)))
    (call $output (local.get $to) (local.get $n))
    (i32.const 0)))`
