/** A message as it goes out on a WebSocket. */
export interface Message {
  data: Uint8Array
  /** Send it as text: `data` is valid UTF-8. */
  text: boolean
}

/**
 * Makes messages of bytes: what stands between a peer whose bytes have no boundaries and a WebSocket, which has nothing else.
 * An async generator will do. It is called once for each connection, so that its state is its own; what it has not yielded
 * when `source` ends it yields then; what it throws ends that connection, and no other.
 *
 * The other way needs none: the payload of each message is written as it is.
 *
 * @param source - the bytes of the peer as they were read; of a datagram peer each value is a datagram. A value belongs to
 * the framing.
 */
export type Framing = (source: AsyncIterable<Uint8Array>) => AsyncIterable<Message>
