/** An authority of the tests' own, and the certificates that it signs: made by openssl. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * Writes `ca.crt`, and `.crt` and `.key` of each name, into a folder: PEM. Each is good for `hosts`, as openssl writes
 * them; for the loopback when absent.
 */
export async function certify(
  folder: string,
  names: readonly string[],
  hosts = 'IP:127.0.0.1,DNS:localhost',
): Promise<void> {
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder })
  const key = ['-newkey', 'rsa:2048', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=tests', '-days', '3650')
  for (const who of names) {
    const name = ['-subj', `/CN=${who}`, '-addext', `subjectAltName=${hosts}`]
    const signed = ['-x509', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '3650']
    await openssl('req', ...key, ...signed, '-keyout', `${who}.key`, '-out', `${who}.crt`, ...name)
  }
}
