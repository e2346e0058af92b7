/** A program of wasip1 that is denied a file: again and again, without an end, where it is called with LONG. */

import { parse } from '@bytecodealliance/jco'

/** Longer than what it is warmed up with. */
export const LONG = JSON.stringify('x'.repeat(2_000))

/** Resolves to its module. */
export const asksAndLoops = (): Promise<Uint8Array> =>
  parse(`(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "data/a")
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 4096))
    (i32.store (i32.const 20) (i32.const 4096))
    (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
    (loop $again
      (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 6)
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))
      (br_if $again (i32.gt_u (i32.load (i32.const 24)) (i32.const 1000))))))`)
