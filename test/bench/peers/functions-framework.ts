/** Google's functions-framework with a function that answers the JSON it is given. */

import { writeFileSync } from 'node:fs'
import { freePort, start } from '../child.ts'
import { installed } from './npm.ts'
import { type Subject, scratch } from './subject.ts'

const FUNCTION = `const functions = require('@google-cloud/functions-framework')
functions.http('echo', (request, response) => response.json(request.body))
`

export const functionsFramework: Subject = {
  name: 'functions-framework',
  async start() {
    const name = '@google-cloud/functions-framework'
    const folder = installed(name, '5.0.5')
    const http = await freePort()
    const source = scratch('functions-framework')
    writeFileSync(`${source.path}/index.js`, FUNCTION)
    writeFileSync(`${source.path}/package.json`, '{ "name": "echo", "main": "index.js", "type": "commonjs" }\n')
    const bin = `${folder}/node_modules/${name}/build/src/main.js`
    const args = [bin, '--target=echo', `--source=${source.path}`, `--port=${http}`]
    const env = { NODE_PATH: `${folder}/node_modules`, HOST: '127.0.0.1' }
    const child = await start(process.execPath, args, { ports: [http], cwd: source.path, env })
    const stop = async (): Promise<void> => {
      await child.stop()
      source.remove()
    }
    return { ports: { http }, pids: [child.pid], stop }
  },
}
