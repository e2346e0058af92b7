/** What an author can put right: a name, a folder, a toolchain, a source that does not compile. */

export class AuthorError extends Error {
  override readonly name = 'AuthorError'
}
