/** The options with which a source and a sink reach a cluster: brokers, TLS, and who they say they are. */

import * as z from 'zod'
import { secret } from '#connector'

const broker = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:\s/]+):\d{1,5}$/, {
  error: ({ input }) => `"${input}" is not host:port, such as kafka-1:9092`,
})

const pem = (what: string) =>
  z.string().min(1).describe(`${what} in PEM form, or the path of a file that holds it.`).meta({ secret: true })

const tls = z.strictObject({
  ca: pem('Certificates of the authorities to trust in place of the well-known ones,').optional(),
  cert: pem('Certificate that this client shows,').optional(),
  key: pem('Its private key,').optional(),
  server_name: z
    .string()
    .min(1)
    .optional()
    .describe('Name that the certificates of the brokers must have, in place of their host.'),
})

const login = {
  username: z.string().min(1).describe('Who to log in as.'),
  password: secret().min(1).describe('The password.'),
}

const sasl = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: z.literal('plain'), ...login }),
  z.strictObject({ mechanism: z.literal('scram-sha-256'), ...login }),
  z.strictObject({ mechanism: z.literal('scram-sha-512'), ...login }),
  z.strictObject({
    mechanism: z.literal('oauthbearer'),
    token: secret().min(1).optional().describe('A bearer token that does not expire.'),
    token_url: z.url().optional().describe('Where tokens come from, by the client credentials grant of OAuth 2.'),
    client_id: z.string().min(1).optional().describe('The client, at `token_url`.'),
    client_secret: secret().min(1).optional().describe('Its secret.'),
    scope: z.string().min(1).optional().describe('What to ask for.'),
  }),
])

/** The options that source and sink share. */
export const connectionOptions = {
  brokers: z
    .array(broker)
    .min(1)
    .describe('Brokers to begin with, as host:port; they name the others.')
    .meta({ examples: [['localhost:9092']] }),
  client_id: z
    .string()
    .min(1)
    .default('headgate')
    .describe('What this client is called in the logs and quotas of the brokers.'),
  tls: z.union([z.boolean(), tls]).default(false).describe('Whether to connect with TLS, or how.'),
  sasl: sasl
    .superRefine((given, context) => {
      if (given.mechanism !== 'oauthbearer') return
      const asks = given.token_url !== undefined && given.client_id !== undefined && given.client_secret !== undefined
      if (asks === (given.token !== undefined))
        context.addIssue({ code: 'custom', message: 'write token, or token_url with client_id and client_secret' })
    })
    .optional()
    .describe('How to log in.'),
}

const connection = z.strictObject(connectionOptions)

export type ConnectionConfig = z.output<typeof connection>
export type TlsConfig = z.output<typeof tls>
export type SaslConfig = z.output<typeof sasl>
