/**
 * Every number of the project that more than one file must agree on, with its unit and where it comes from.
 */

/** Largest WebSocket message written in byte mode, bytes. rust-libp2p in browsers fails at 1 MiB unread. */
export const MAX_OUTBOUND_MESSAGE = 131_072

/** Largest WebSocket message accepted, bytes; over it the channel closes with 1009. */
export const MAX_INBOUND_MESSAGE = 4_194_304

/** From TCP connect or accept to the upgraded WebSocket, ms (go-libp2p: 15 s). */
export const HANDSHAKE_TIMEOUT = 10_000

/** Connections that the system holds until they are accepted (Node's default). */
export const BACKLOG = 511

/** Head start of an address of a name over the next, ms (RFC 8305 section 8). */
export const CONNECT_ATTEMPT_DELAY = 250

/** From our Close frame to the end of the socket, ms; then it is terminated. */
export const CLOSE_TIMEOUT = 3_000

/** Without inbound frames for this long a ping is sent, ms. Load balancers cut at 60 s. */
export const KEEP_ALIVE_INTERVAL = 30_000

/** A pinged peer that sends no frame for this long is dead, ms. */
export const KEEP_ALIVE_TIMEOUT = 20_000

/** `send` returns false from this many unsent bytes on: what waits here is in the way of everything sent later. */
export const HIGH_WATER_MARK = 262_144

/** `drain` comes when this many unsent bytes, or fewer, are left. */
export const LOW_WATER_MARK = 65_536

/** The same in browsers, which do not say when they have sent something: one that is asked too late has run dry. */
export const BROWSER_HIGH_WATER_MARK = 1_048_576
export const BROWSER_LOW_WATER_MARK = 262_144

/** A libp2p connection without payload in either direction for this long is aborted, ms. */
export const INACTIVITY_TIMEOUT = 120_000

/** Largest SP message accepted, bytes: that of nanomsg (`NN_RCVMAXSIZE`). */
export const SP_MAX_MESSAGE = 1_048_576

/** Largest frame of an SP socket, bytes: that of NNG, which refuses frames over 1 MiB. */
export const SP_MAX_FRAME = 65_536

/** Unsent bytes from which on an SP pipe is not ready: those of nanomsg (`NN_SNDBUF`). */
export const SP_HIGH_WATER_MARK = 131_072

/** Messages that wait for a receiver (NNG: SUB and SURVEYOR). */
export const SP_RECEIVE_BUFFER = 128

/** Messages that wait for a busy pipe before the next is dropped (NNG: PUB and BUS). */
export const SP_SEND_BUFFER = 16

/** Before a lost or failed dial is tried again, ms, at most (NNG: `RECONNMINT`). */
export const SP_RECONNECT = 1_000

/** Before a request without reply is sent again, ms (NNG: `REQ_RESENDTIME`, nanomsg: `NN_REQ_RESEND_IVL`). */
export const SP_RESEND_TIME = 60_000

/** How long a survey takes answers, ms (NNG: `SURVEYOR_SURVEYTIME`, nanomsg: `NN_SURVEYOR_DEADLINE`). */
export const SP_SURVEY_TIME = 1_000

/** How many hops a message may have made (NNG and nanomsg: `MAXTTL`). */
export const SP_TTL = 8

/** A UDP session without a datagram in either direction ends, ms: the least that a NAT keeps one (RFC 4787 section 4.3). */
export const UDP_IDLE_TIMEOUT = 120_000

/** Sessions of a bridge at a time: what a machine has descriptors for, without changes, is often less. */
export const BRIDGE_MAX_SESSIONS = 10_000

/** Streams of a tunnel at a time on a connection: what yamux takes. */
export const TUNNEL_MAX_STREAMS = 1_000

/** From the loss of a tunnel's connection to the next dial, ms, at most; it doubles with each dial that fails. */
export const TUNNEL_RECONNECT = 1_000

/** The longest that becomes, ms. */
export const TUNNEL_RECONNECT_MAX = 30_000

/** How long a local connection waits for a tunnel that is being connected again, ms. */
export const TUNNEL_WAIT_TIMEOUT = 10_000

/** Peers that are reached through a relay of ours at a time. */
export const TUNNEL_RELAY_PEERS = 128

/** The longest delay that a timer takes, ms: 24 days. Longer ones, such as `Infinity`, mean this. */
export const MAX_DELAY = 0x7fff_ffff

/** Bytes held for a paused reader where the browser cannot stop the sender; over it the channel is aborted. */
export const MAX_UNREAD = 16_777_216

/** WebSocket close codes (RFC 6455 section 7.4.1). */
export const CloseCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  /** Never on the wire: the peer's Close frame had no code. */
  NO_STATUS: 1005,
  /** Never on the wire: the socket ended without a Close frame. */
  ABNORMAL: 1006,
  INVALID_PAYLOAD: 1007,
  TOO_BIG: 1009,
  INTERNAL_ERROR: 1011,
  /** What is behind a bridge failed. */
  BAD_GATEWAY: 1014
} as const
