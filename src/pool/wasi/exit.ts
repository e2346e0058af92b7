/** How a guest that ends itself is stopped. */

/** Thrown through a guest that calls `exit`: it ends the guest, never the host. */
export class ExitError extends Error {
  readonly status: number

  constructor(status: number) {
    super(`called exit with code ${status}`)
    this.status = status
  }
}
