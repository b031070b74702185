/** The bytes of one process: what it sends, as fast as flow control lets it, and what it receives. */
import type { Bytes, Pipe } from '../peers/peer.ts'

/** A sender takes a break of one turn of the event loop after this many bytes, so that its process stays responsive. */
const TURN = 1_048_576

export interface SendOptions {
  /** Bytes per write. */
  size: number
  /** Bytes to offer; without it, until `stop`. */
  limit?: number
  /** Write new memory each time, so that what a peer holds on to shows up. */
  fresh?: boolean
}

export class Traffic {
  sent = 0
  received = 0
  /** Why a sender gave up. */
  error: string | undefined
  #stopped = false

  /** All senders stop; what they have sent is still on its way. */
  stop (): void {
    this.#stopped = true
  }

  receive (pipe: Pipe): void {
    pipe.ondata = (data) => { this.received += data.byteLength }
  }

  send (pipe: Pipe, { size, limit = Infinity, fresh = false }: SendOptions): void {
    const chunk = new Uint8Array(size)
    let left = limit
    let turn = TURN
    let resting = false

    const write = (): void => {
      while (!this.#stopped && left > 0) {
        if (turn <= 0) {
          resting = true
          setImmediate(next)
          return
        }

        turn -= size
        left -= size
        this.sent += size

        if (!pipe.send(fresh ? new Uint8Array(size).fill(1) : chunk)) {
          return
        }
      }
    }
    const next = (): void => {
      turn = TURN
      resting = false
      this.#guard(write)
    }

    pipe.ondrain = () => {
      if (!resting) {
        this.#guard(write)
      }
    }
    this.#guard(write)
  }

  #guard (write: () => void): void {
    try {
      write()
    } catch (err: any) {
      this.error ??= err.name
    }
  }
}

/** Send back what comes. */
export function echo (pipe: Pipe): void {
  pipe.ondata = (data: Bytes) => { pipe.send(data.subarray()) }
}
