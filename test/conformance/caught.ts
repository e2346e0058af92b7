/** Tests a suite by what it catches: each broken implementation fails its own requirement and no other. */

import { expect, test } from 'vitest'

/** Declares a suite's tests; each name begins with its requirement. */
type Declare = (name: string, run: () => Promise<void>) => void

/**
 * Declares one test for each fault: the suite, run against the implementation that has it, fails its requirement alone.
 * One more test finds requirements that no fault breaks.
 */
export function catches<Fault extends string>(
  caught: Readonly<Record<Fault, string>>,
  suite: (declare: Declare, fault?: Fault) => void,
  declare: typeof test | typeof test.concurrent = test.concurrent,
): void {
  for (const [fault, requirement] of Object.entries(caught) as [Fault, string][])
    declare(`${fault}, by ${requirement} alone`, async () => {
      const failed = await failures((each) => suite(each, fault))
      expect(
        failed.map((line) => line.split(':')[0]),
        failed.join('\n'),
      ).toEqual([requirement])
    })

  test('none of them is missing from the list of requirements', () => {
    const named = new Set<string>(Object.values(caught))
    suite((name) => expect(named).toContain(name.split(' ')[0]))
  })
}

/** Runs the tests of a suite one after the other. Returns `requirement: error` for each one that failed. */
async function failures(suite: (declare: Declare) => void): Promise<string[]> {
  const tests: { readonly requirement: string; readonly run: () => Promise<void> }[] = []
  suite((name, run) => tests.push({ requirement: name.split(' ')[0] ?? name, run }))
  const failed: string[] = []
  for (const { requirement, run } of tests)
    await run().catch((error: unknown) => void failed.push(`${requirement}: ${error}`))
  return failed
}
