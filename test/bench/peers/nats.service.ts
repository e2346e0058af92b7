/** Program: a NATS micro service with one endpoint, `echo`. */

import { load } from './npm.ts'

interface Message {
  readonly data: Uint8Array
  respond(data: Uint8Array): boolean
}

interface Service {
  addEndpoint(subject: string, handler: (error: Error | null, message: Message) => void): unknown
}

interface Nats {
  connect(options: { servers: string }): Promise<{
    services: { add(config: { name: string; version: string }): Promise<Service> }
  }>
}

const [folder = '', port] = process.argv.slice(2)
const { connect } = await load<Nats>(folder, 'nats')
const connection = await connect({ servers: `127.0.0.1:${port}` })
const service = await connection.services.add({ name: 'echo', version: '1.0.0' })
service.addEndpoint('echo', (error, message) => {
  if (error === null) message.respond(message.data)
})
