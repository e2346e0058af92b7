/** A program as a user would write it: embeds a gateway, emits events of the SDK, calls functions. */

import { CloudEvent } from 'cloudevents'
import { createGateway } from 'headgate'

const gateway = await createGateway(process.argv[2])
const settled = new Promise((resolve) => {
  gateway.watch((seen) => seen.kind === 'settled' && seen.route === 'orders' && resolve(seen.outcome))
})
await gateway.start()

const receipt = await gateway.emit(
  new CloudEvent({
    source: '/shop',
    type: 'order.created',
    data: { orderId: 7, items: [{ price: 1.5, quantity: 2 }] },
  }),
)
const reply = await gateway.call('echo', { hello: 'world' })
const refused = await gateway.call('order-summary', { orderId: 8, items: [] }).catch((error) => error)
const unknown = await gateway.call('ecko', 'x').catch((error) => error)

console.log(
  JSON.stringify({
    routes: receipt.routes,
    outcome: await settled,
    isEvent: reply instanceof CloudEvent,
    data: reply.data,
    refused: [refused.code, refused.detailCode, refused.type],
    unknown: unknown.message,
  }),
)
await gateway.stop()
