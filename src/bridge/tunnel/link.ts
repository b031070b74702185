/** The connection of a tunnel that is kept: to the other end, or to a relay. */
import { once } from 'node:events'
import { ConnectionClosedError } from '@libp2p/interface'
import { Backoff } from '../../backoff.ts'
import { TUNNEL_RECONNECT, TUNNEL_RECONNECT_MAX } from '../../constants.ts'
import { Redialer } from '../../redialer.ts'
import type { TunnelOptions } from './options.ts'
import type { RedialerInit } from '../../redialer.ts'
import type { Connection } from '@libp2p/interface'

export type Link = Redialer<Connection>

/** Closing it leaves the connection open: it belongs to the node. */
export function link (
  { reconnect = TUNNEL_RECONNECT, reconnectMax = TUNNEL_RECONNECT_MAX }: TunnelOptions,
  events: Pick<RedialerInit<Connection>, 'connect' | 'onconnected' | 'onlost'>
): Link {
  return new Redialer({ ...events, backoff: new Backoff(reconnect, reconnectMax), ended })
}

async function ended (connection: Connection, signal: AbortSignal): Promise<Error> {
  const [event] = connection.status === 'open' ? await once(connection, 'close', { signal }) : []

  return event?.error ?? new ConnectionClosedError('the connection was closed')
}
