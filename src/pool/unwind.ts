/** How the stack of a guest that waits is given up: a suspended stack is never collected, with all that its guest has. */

/** A module whose one function traps: `(func (export "t") unreachable)`. */
const TRAPPING = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x74, 0x00, 0x00, 0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b],
)

let trap: unknown

/**
 * What unwinds a guest when its host throws it: a trap of the engine's own, since a guest may catch any other error,
 * and go on. One made by `new WebAssembly.RuntimeError` is such another.
 */
export function unwinding(): unknown {
  if (trap === undefined)
    try {
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TRAPPING))
      ;(exports['t'] as () => void)()
    } catch (error) {
      trap = error
    }
  return trap
}
