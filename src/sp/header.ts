/**
 * What stands before the body of an SP message: 32-bit words, most significant byte first. Pure.
 *
 * For REQ, REP, SURVEYOR and RESPONDENT it is a backtrace, one word for each hop with its top bit 0, then the id of the
 * request with its top bit 1 (sp-request-reply-01). For PAIR version 1 it is the number of hops, under 256.
 */
import { InvalidMessageError } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

const WORD = 4
const ID_BIT = 0x80
const MAX_ID = 0x7fff_ffff
const MAX_HOPS = 0xff

/** Below this many bytes a copy is cheaper than a list: V8 allocates no buffer for it. */
const COPY_BELOW = 64

export interface Received {
  /** Goes back in front of the answer, as it came. */
  header: Uint8Array
  body: Uint8Array
}

/** The id of the next request or survey after `id`: 31 bits with the top bit set, starting over behind the last. */
export function nextId (id: number): number {
  return (id & MAX_ID) === MAX_ID ? 0x8000_0000 : (id + 1 | 0x8000_0000) >>> 0
}

/** An id to start from, so that a restarted program does not get the answers to its former self. */
export function firstId (random: () => number = Math.random): number {
  return 0x8000_0000 + Math.floor(random() * 0x8000_0000)
}

export function encodeWord (word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word)
}

/** @throws {InvalidMessageError} under 4 bytes */
export function decodeWord (message: Uint8Array): { word: number, body: Uint8Array } {
  if (message.length < WORD) {
    throw new InvalidMessageError(`message of ${message.length} bytes, too short for an SP header`)
  }

  const word = (message[0] << 24 | message[1] << 16 | message[2] << 8 | message[3]) >>> 0

  return { word, body: message.subarray(WORD) }
}

/**
 * The backtrace of a request or survey, up to and including its id, and what follows.
 *
 * @returns undefined where the id is not among the first `ttl` words: the message is to be dropped
 * @throws {InvalidMessageError} no id at all
 */
export function decodeBacktrace (message: Uint8Array, ttl: number): Received | undefined {
  for (let words = 1; words <= ttl; words++) {
    const end = words * WORD

    if (message.length < end) {
      throw new InvalidMessageError(`message of ${message.length} bytes without the id of a request`)
    }

    if ((message[end - WORD] & ID_BIT) !== 0) {
      return { header: message.subarray(0, end), body: message.subarray(end) }
    }
  }
}

/**
 * The hops and the body of a message of PAIR version 1. Hop 0 is taken, as NNG does.
 *
 * @returns undefined for more than `ttl` hops: the message is to be dropped
 * @throws {InvalidMessageError} no header
 */
export function decodeHops (message: Uint8Array, ttl: number): Uint8Array | undefined {
  const { word, body } = decodeWord(message)

  if (word > MAX_HOPS) {
    throw new InvalidMessageError('message with a reserved bit in its SP header')
  }

  return word > ttl ? undefined : body
}

/** Header and body as one message; a large body is not copied. */
export function join (header: Uint8Array, body: Uint8Array): Uint8Array | Uint8ArrayList {
  if (body.length >= COPY_BELOW) {
    return new Uint8ArrayList(header, body)
  }

  const message = new Uint8Array(header.length + body.length)
  message.set(header)
  message.set(body, header.length)

  return message
}
