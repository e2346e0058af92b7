/** What an error of SQS or S3 means, in an operator's words; none of them tells a secret. Pure. */

interface AwsError extends Error {
  readonly $fault?: 'client' | 'server'
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
  readonly code?: string
}

/** What was wanted of whom: stands in the messages. */
export interface Wanted {
  /** `queue "jobs"` */
  readonly what: string
  /** What the role needs, such as `sqs:ReceiveMessage`. */
  readonly permissions: string
  /** Where it was looked for, when that was configured. */
  readonly endpoint?: string | undefined
}

const ABSENT = /NonExistentQueue|QueueDoesNotExist|NoSuchBucket$/
const DENIED = /^(AccessDenied|AccessDeniedException|AuthorizationError|Forbidden|KMS\.AccessDenied|KmsAccessDenied)$/
const UNKNOWN =
  /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSecurity|InvalidSignatureException|IncompleteSignature|MissingAuthenticationToken|InvalidAccessKeyId|ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/
const SLOW = /Throttl|RequestThrottled|SlowDown|TooManyRequests|OverLimit|LimitExceeded|ServiceUnavailable/
const NO_CONNECTION =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|TimeoutError)$/

/** Statuses of requests that may go well once somebody has done something, or time has passed. */
const CURABLE: ReadonlySet<number> = new Set([401, 403, 408, 429])

/** Says what is wrong and what to do about it. */
export function reasonOf(thrown: unknown, { endpoint, permissions, what }: Wanted): string {
  const { $metadata, code = '', message, name } = asError(thrown)
  const where = endpoint === undefined ? '' : ` at "${endpoint}"`
  if (ABSENT.test(name)) return `there is no ${what}${where}; create it, or correct its name, region or account`
  if (DENIED.test(name)) return `access denied to ${what}; the role needs ${permissions}`
  if (UNKNOWN.test(name)) return `the credentials for ${what} are not accepted (${name}); correct or renew them`
  // Other servers than AWS's have no word for it.
  if ($metadata?.httpStatusCode === 403 || $metadata?.httpStatusCode === 401)
    return `the credentials for ${what} are not accepted, or the role lacks ${permissions}; status ${$metadata.httpStatusCode}`
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError')
    return `there are no credentials for ${what}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or give the machine a role`
  if (/region is missing/i.test(message)) return `${what} has no region; set region, or AWS_REGION`
  if (NO_CONNECTION.test(code) || NO_CONNECTION.test(name))
    return `no answer for ${what}${where}: ${oneLine(message)}`.replace(/: $/, '')
  return `${what}${where}: ${name === 'Error' ? '' : `${name}: `}${oneLine(message)}`
}

/** Whether the same request will be refused again, whenever it is sent. */
export function isForGood(thrown: unknown): boolean {
  const { $fault, $metadata, name } = asError(thrown)
  if (ABSENT.test(name) || DENIED.test(name) || UNKNOWN.test(name) || SLOW.test(name)) return false
  const status = $metadata?.httpStatusCode ?? 0
  return $fault === 'client' && status >= 400 && status < 500 && !CURABLE.has(status)
}

/** Milliseconds after which the other side wants to be asked again, when it said so. */
export function retryAfterOf(thrown: unknown): number | undefined {
  const asked = asError(thrown).$response?.headers?.['retry-after']
  return asked !== undefined && /^\d{1,6}$/.test(asked) ? Number(asked) * 1_000 : undefined
}

const asError = (thrown: unknown): AwsError =>
  thrown instanceof Error ? (thrown as AwsError) : new Error(String(thrown))

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 200)
