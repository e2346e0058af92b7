/** 50 publishers at QoS 0 that write as fast as their sockets take it, in a process of their own. Takes the broker's port. */

import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'

const port = Number(process.argv[2])
const publish = generate({
  cmd: 'publish',
  topic: 'flood',
  payload: Buffer.alloc(256),
  qos: 0,
  dup: false,
  retain: false,
})
const burst = Buffer.concat(Array.from({ length: 200 }, () => publish))

function flood(socket: Socket): void {
  if (!socket.destroyed) socket.write(burst, () => setImmediate(flood, socket))
}

for (let i = 0; i < 50; i++) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.once('data', () => flood(socket))
  socket.write(generate({ cmd: 'connect', clientId: `flood${i}`, protocolVersion: 4, clean: true, keepalive: 0 }))
}
process.stdout.write('flooding\n')
