/** The error of a file that is no function. */

/** Thrown for a file that is no function; the message is what is wrong, and what to do. */
export class ComponentError extends Error {}

/** What helps against most mistakes. */
export const BUILD = 'build it against functions/wit, as functions/README.md shows'

/** The first line of what was thrown: tools add pages to it. */
export const firstLine = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? ''
