/** Checks configurations: reads each, runs its tests, and sees whether its functions are functions. */

import type { TestResult } from '../check/index.ts'
import type { Config, LoadOptions } from '../config/index.ts'
import { inputError } from './exit.ts'

/** A configuration that can be used. */
export interface Checked {
  readonly config: Config
  readonly results: readonly TestResult[]
}

/** Why one cannot be used. */
interface Refused {
  readonly error: unknown
}

/** Tests beside a configuration are read with it: among other paths, as of `*.yaml`, they are no configuration. */
const TESTS = /\.test\.ya?ml$/

/** Resolves to what came of each path, in order; with `route`, the tests of that route alone are run. */
export async function checkAll(
  paths: readonly string[],
  how: LoadOptions,
  route: string | undefined,
): Promise<ReadonlyMap<string, Checked | Refused>> {
  const { loadConfig } = await import('../config/index.ts')
  const loaded = new Map<string, Checked | Refused>()
  for (const path of paths.length > 1 ? paths.filter((path) => !TESTS.test(path)) : paths)
    loaded.set(path, await orRefused(async () => untested(await loadConfig(path, how), path, route)))
  const configs = [...loaded.values()].flatMap((each) => ('config' in each ? each.config : []))
  const { Functions, runsFunctions, runTests, setScene, transpileAhead } = await import('../check/index.ts')
  const ahead = transpileAhead(configs)
  const test = async ({ config }: Checked): Promise<Checked> => {
    await using functions = new Functions(config, ahead)
    if (config.tests.length === 0) return { config, results: [] }
    return { config, results: await runTests(config.tests, setScene(config, how.connectors, functions.pool)) }
  }
  const each = async (work: (checked: Checked) => Promise<Checked>, which = (_: Checked) => true): Promise<void> => {
    for (const [path, found] of loaded)
      if ('config' in found && which(found)) loaded.set(path, await orRefused(() => work(found)))
  }
  // Another thread transpiles, and nothing takes longer: what waits for no function comes first.
  await each(test, ({ config }) => !config.tests.some(runsFunctions))
  await each(test, ({ config }) => config.tests.some(runsFunctions))
  await each(async (checked) => {
    await using functions = new Functions(checked.config, ahead)
    await functions.verify()
    return checked
  })
  return loaded
}

/** With the tests that are wanted, none of which has run. */
function untested(config: Config, path: string, route: string | undefined): Checked {
  if (route === undefined) return { config, results: [] }
  if (!config.routes.some(({ name }) => name === route)) throw inputError(`--route: ${path} has no route "${route}"`)
  return { config: { ...config, tests: config.tests.filter((test) => test.route === route) }, results: [] }
}

const orRefused = (work: () => Promise<Checked>): Promise<Checked | Refused> =>
  work().catch((error: unknown) => ({ error }))
