import type { ErrorCode } from './generated/tables.js'
import { TEMPORARY_ERRORS } from './generated/tables.js'

/**
 * What this client itself reports, beside the codes of the server:
 *
 * - `disconnected`: the connection ended, or is not there, so that nobody knows what became of the command;
 * - `timeout`: no answer came in time;
 * - `network`: the server could not be reached over HTTP;
 * - `outbox_full`: as many messages wait to be sent as may.
 */
export type LocalErrorCode = 'disconnected' | 'timeout' | 'network' | 'outbox_full'

/** A code that is newer than this client is passed on as it came. */
export type ChatErrorCode = ErrorCode | LocalErrorCode | (string & {})

/** Why something that was asked for did not happen. Branch on `code`; `message` is for people. */
export class ChatError extends Error {
  override readonly name = 'ChatError'
  readonly code: ChatErrorCode
  /** The status of the HTTP answer; 0 if it was none. */
  readonly status: number
  /** How long to wait before the same may work, in milliseconds. */
  readonly retryAfterMs?: number

  constructor(code: ChatErrorCode, message: string = code, status = 0, retryAfterMs?: number) {
    super(message)
    this.code = code
    this.status = status
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs
  }

  /** True if the same may work later, without anybody changing anything. */
  get temporary(): boolean {
    return TEMPORARY_ERRORS.has(this.code) || LOCAL_TEMPORARY.has(this.code)
  }
}

const LOCAL_TEMPORARY: ReadonlySet<string> = new Set(['disconnected', 'timeout', 'network'])

/** Wrap whatever was thrown, so that callers meet one kind of error. */
export function asChatError(thrown: unknown): ChatError {
  return thrown instanceof ChatError ? thrown : new ChatError('network', String(thrown))
}
