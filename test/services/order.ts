/** Begins with the files that take longest: of two workers none is left alone with one, and no time is run over by one. */

import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Minutes each, the longest first; of a machine that is new to it vitest knows the sizes of files alone. */
const LONGEST = [
  'test/functions/languages.test.ts',
  'test/e2e/readme/readme.test.ts',
  'test/e2e/path/examples.test.ts',
  'test/crash/path/kill.test.ts',
  'test/crash/broker/mutations.test.ts',
  'test/crash/journal/syscalls.test.ts',
]

const rank = ({ moduleId }: TestSpecification): number => {
  const at = LONGEST.findIndex((file) => moduleId.endsWith(file))
  return at < 0 ? LONGEST.length : at
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
