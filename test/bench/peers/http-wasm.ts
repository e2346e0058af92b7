/** node:http before `echo` in one worker thread, batched, and nothing else: the ceiling of a gateway that runs Wasm. */

import { existsSync } from 'node:fs'
import { freePort, start } from '../child.ts'
import { NotRun } from '../load.ts'
import { program, type Subject } from './subject.ts'

const ECHO = new URL('../../../functions/echo/echo.wasm', import.meta.url).pathname

export const httpWasm: Subject = {
  name: 'node:http + Wasm in one worker',
  async start() {
    if (!existsSync(ECHO)) throw new NotRun('functions/echo/echo.wasm is not there: npm run build:functions')
    const http = await freePort()
    const child = await start(process.execPath, [program('http-wasm.server.ts'), ECHO, String(http)], { ports: [http] })
    return { ports: { http }, pids: [child.pid], stop: () => child.stop() }
  },
}
