/** What authors of functions have: new folders of templates, and builds. */

export { type Built, buildFunction, wasmOf } from './build.ts'
export { LANGUAGES, type Language, MARK_FILES } from './languages.ts'
export { AuthorError } from './problem.ts'
export { newFunction, TEMPLATE_NAME } from './scaffold.ts'
export { ENGINES, type Engine, missingTools } from './toolchains.ts'
