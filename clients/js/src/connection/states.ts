/** What a connection is doing. */
export type ConnectionState = 'closed' | 'connecting' | 'catching_up' | 'open' | 'waiting'

/**
 * What made a connection change its state; it is shown as the reason of the new one.
 *
 * - `asked`: `connect()` or `reconnect()` was called
 * - `welcomed`: the server's first frame came
 * - `caught_up`: every open conversation is joined again and has what it missed
 * - `lost`: the socket closed, and nothing speaks against connecting again
 * - `silent`: nothing came for so long that the connection must be dead
 * - `server_restarts`: the server asked to be left for a while
 * - `token_failed`: the application's own function gave no token
 * - `retry_due`: the wait is over
 * - `online`, `visible`, `restored`: the network is back, the page is looked at again
 * - `refused`: the server closed with a code after which connecting again would end the same way
 * - `closed`: `close()` was called
 */
export type Cause =
  | 'asked'
  | 'welcomed'
  | 'caught_up'
  | 'lost'
  | 'silent'
  | 'server_restarts'
  | 'token_failed'
  | 'retry_due'
  | 'online'
  | 'visible'
  | 'restored'
  | 'refused'
  | 'closed'

type Row = Readonly<Partial<Record<Cause, ConnectionState>>>

const UNDER_WAY: Row = {
  lost: 'waiting',
  silent: 'waiting',
  server_restarts: 'waiting',
  refused: 'closed',
  closed: 'closed',
}

/** Every change that there is. What is not in the table does not happen. */
export const TRANSITIONS: Readonly<Record<ConnectionState, Row>> = {
  closed: { asked: 'connecting' },
  connecting: { ...UNDER_WAY, welcomed: 'catching_up', token_failed: 'waiting' },
  catching_up: { ...UNDER_WAY, caught_up: 'open' },
  open: UNDER_WAY,
  waiting: {
    asked: 'connecting',
    retry_due: 'connecting',
    online: 'connecting',
    visible: 'connecting',
    restored: 'connecting',
    closed: 'closed',
  },
}

/** The state after `cause`; undefined if it changes nothing. */
export function next(state: ConnectionState, cause: Cause): ConnectionState | undefined {
  return TRANSITIONS[state][cause]
}
