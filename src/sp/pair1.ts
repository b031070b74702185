import { SP_TTL } from '../constants.ts'
import { decodeHops, encodeWord, join } from './header.ts'
import { PairSocket } from './pair.ts'
import type { BufferedOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Pair1Options extends BufferedOptions {
  /**
   * Messages that came over more hops are dropped; 1 to 255.
   *
   * @default 8
   */
  ttl?: number
}

const FIRST_HOP = encodeWord(1)

/** PAIR with a count of hops in front of each message. */
class Pair1Socket extends PairSocket {
  readonly #ttl: number

  constructor ({ ttl = SP_TTL, ...init }: Pair1Options) {
    super(init, 'pair1')
    this.#ttl = ttl
  }

  protected override encode (body: Uint8Array): Uint8Array | Uint8ArrayList {
    return join(FIRST_HOP, body)
  }

  protected override onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    const body = decodeHops(data, this.#ttl)

    if (body != null) {
      this.deliver(pipe, body)
    }
  }
}

export type Pair1 = Pair1Socket

/** Version 1, of NNG only; it does not talk to version 0. */
export function pair1 (options: Pair1Options = {}): Pair1 {
  return new Pair1Socket(options)
}
