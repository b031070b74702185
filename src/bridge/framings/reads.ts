/** The framings that look for no boundaries: a read, or a datagram, is a message. */
import { isUtf8 } from 'node:buffer'
import { InvalidMessageError } from '@libp2p/interface'
import { release } from '../../duplex/iterate.ts'
import { incompleteTail } from './utf8.ts'
import type { Framing, Message } from '../framing.ts'

export interface ReadOptions {
  /**
   * The values of the source are datagrams: their boundaries are kept, so that nothing of one waits for the next.
   *
   * @default false
   */
  datagrams?: boolean
}

/**
 * How long the beginning of a character waits for the rest of it, ms. Whoever writes text has the rest on its way; for a
 * binary peer, which may wait for an answer before it says more, this is what a message takes longer that ends in such bytes.
 */
const HOLD = 100

const NOTHING = Buffer.alloc(0)

/** Each read as a binary message. */
export function binary (): Framing {
  return async function * (source) {
    for await (const data of source) {
      yield { data, text: false }
    }
  }
}

/**
 * Each read as a text message, but for a character that a read has cut, which goes out with the next.
 *
 * What is not valid UTF-8 raises `InvalidMessageError`: no WebSocket may carry it as text (RFC 6455 section 8.1).
 */
export function text ({ datagrams = false }: ReadOptions = {}): Framing {
  return async function * (source) {
    let held: Uint8Array = NOTHING

    for await (const chunk of source) {
      const [data, rest] = datagrams ? [chunk, NOTHING] : cutTail(held, chunk)
      held = rest
      checkText(data)

      if (data.length > 0 || rest.length === 0) {
        yield { data, text: true }
      }
    }

    checkText(held)
  }
}

/**
 * Each read as a text message where all of it is valid UTF-8, else as a binary one. A character that a read has cut
 * goes out with the next, or as binary where nothing comes for 100 ms.
 *
 * A binary protocol whose messages happen to be valid text is taken for text: where the client is not ready for both, use
 * `binary`.
 */
export function auto ({ datagrams = false }: ReadOptions = {}): Framing {
  return datagrams ? judge : judgeJoined
}

async function * judge (source: AsyncIterable<Uint8Array>): AsyncIterable<Message> {
  for await (const data of source) {
    yield { data, text: isUtf8(data) }
  }
}

async function * judgeJoined (source: AsyncIterable<Uint8Array>): AsyncIterable<Message> {
  const reads = source[Symbol.asyncIterator]()
  let held: Uint8Array = NOTHING
  let reading: Promise<IteratorResult<Uint8Array>> | undefined

  try {
    while (true) {
      reading ??= reads.next()
      const read = held.length === 0 ? await reading : await within(reading, HOLD)

      if (read == null || read.done === true) {
        if (held.length > 0) {
          yield { data: held, text: false }
        }

        if (read != null) {
          return
        }

        held = NOTHING
        continue
      }

      reading = undefined
      const [data, rest] = cutTail(held, read.value)
      const isText = isUtf8(data)
      held = isText ? rest : NOTHING

      if (!isText) {
        // a message of another kind is not cut
        yield { data: join(data, rest), text: false }
      } else if (data.length > 0 || rest.length === 0) {
        yield { data, text: true }
      }
    }
  } finally {
    release(reads)
  }
}

/** What was held and what was read, up to the last whole character; and the rest. */
function cutTail (held: Uint8Array, chunk: Uint8Array): [Uint8Array, Uint8Array] {
  const data = join(held, chunk)
  const end = data.length - incompleteTail(data)

  return [data.subarray(0, end), data.subarray(end)]
}

function join (first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0 || second.length === 0) {
    return first.length === 0 ? second : first
  }

  return Buffer.concat([first, second])
}

function checkText (data: Uint8Array): void {
  if (!isUtf8(data)) {
    throw new InvalidMessageError('the peer sent what is not valid UTF-8, and the text framing has no other messages: use auto or binary')
  }
}

/** What the promise resolves with, or undefined if that takes longer. */
async function within <T> (promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => { resolve(undefined) }, ms)
  // where it is late, nobody may be waiting when it fails
  promise.catch(() => {})

  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
