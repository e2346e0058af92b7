/** What an author can put right, as a mistake in what was given. */

import { AuthorError } from '../author/problem.ts'
import { inputError } from './exit.ts'

/** Resolves to what the work resolves to. An AuthorError becomes the exit code of a wrong input. */
export async function authored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof AuthorError ? inputError(error.message) : error
  }
}
