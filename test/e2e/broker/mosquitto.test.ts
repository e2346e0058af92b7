/** Debian's mosquitto_pub and mosquitto_sub against the broker. */

import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { describeWith } from '../../services/service.ts'
import { RunningBroker, until } from './running.ts'

const run = promisify(execFile)

describeWith(['mosquitto_pub'], 'mosquitto clients', () => {
  test.each(['mqttv31', 'mqttv311', 'mqttv5'])('%s: publish and subscribe at each QoS', async (version) => {
    await using running = await RunningBroker.start()
    const at = ['-h', '127.0.0.1', '-p', String(running.port), '-V', version]
    const subscriber = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...at, ...'-t t/# -q 2 -C 3 -W 20 -v -d'.split(' ')])
    let output = ''
    subscriber.stdout.on('data', (chunk) => {
      output += chunk
    })
    const ended = new Promise<number | null>((resolve) => subscriber.once('close', resolve))
    // Subscribed is later than connected.
    await until(() => output.includes('Subscribed'), 'the subscriber is there')
    for (const qos of ['0', '1', '2']) await run('mosquitto_pub', [...at, '-t', `t/${qos}`, '-m', qos, '-q', qos])
    expect(await ended).toBe(0)
    const messages = output.split('\n').filter((line) => line.startsWith('t/'))
    expect(messages.toSorted()).toEqual(['t/0 0', 't/1 1', 't/2 2'])
  })
})
