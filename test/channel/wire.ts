/**
 * Frames written out by hand: a naive codec, on purpose not ours, so that what it writes and reads is what is on the wire.
 */
import type { Socket } from 'node:net'

export interface Frame {
  fin: boolean
  /** The three reserved bits, as a number. */
  rsv: number
  opcode: number
  masked: boolean
  payload: Buffer
}

/** Bytes of the longer length, by what the short one says. */
const EXTENDED = new Map([[126, 2], [127, 8]])

const KEY = [0x37, 0xfa, 0x21, 0x3d]

/** The bytes of one frame; by default it is final and not masked. */
export function frame (opcode: number, payload: Uint8Array | string = '', { fin = true, rsv = 0, masked = false } = {}): Buffer {
  const data = Buffer.from(payload)
  const header = Buffer.concat([Buffer.of((fin ? 0x80 : 0) | rsv << 4 | opcode), lengthField(data.length)])

  if (!masked) {
    return Buffer.concat([header, data])
  }

  header[1] |= 0x80

  return Buffer.concat([header, Buffer.from(KEY), data.map((byte, i) => byte ^ KEY[i & 3])])
}

function lengthField (length: number): Buffer {
  if (length < 126) {
    return Buffer.of(length)
  }

  const extended = length < 65_536 ? 2 : 8

  return Buffer.from(`${extended === 2 ? '7e' : '7f'}${length.toString(16).padStart(2 * extended, '0')}`, 'hex')
}

/** The first frame in `bytes`, and how many bytes it has; without `frame` it is not whole, and has at least `size`. */
export function parseFrame (bytes: Buffer): { frame?: Frame, size: number } {
  const length = (bytes[1] ?? 0) & 0x7f
  const masked = bytes[1] >= 0x80
  const extended = EXTENDED.get(length) ?? 0
  const header = 2 + extended + (masked ? 4 : 0)

  if (bytes.length < header) {
    return { size: header }
  }

  const size = header + (extended === 0 ? length : Number.parseInt(bytes.toString('hex', 2, 2 + extended), 16))

  if (bytes.length < size) {
    return { size }
  }

  const key = bytes.subarray(header - 4, header)
  const payload = Buffer.from(bytes.subarray(header, size))

  if (masked) {
    payload.forEach((byte, i) => { payload[i] = byte ^ key[i & 3] })
  }

  return { frame: { fin: bytes[0] >= 0x80, rsv: bytes[0] >> 4 & 7, opcode: bytes[0] & 15, masked, payload }, size }
}

/** The far end of a channel. */
export class Wire {
  readonly socket: Socket
  /** Frames that came in. */
  readonly frames: Frame[] = []
  /** It must mask what it sends. */
  readonly #masked: boolean
  readonly #waiting = new Set<() => void>()
  #unread: Buffer[] = []
  #unreadSize = 0
  /** The next frame has at least so many bytes. */
  #needed = 2
  #closed = false

  constructor (socket: Socket, masked: boolean) {
    this.socket = socket
    this.#masked = masked
    // tests time and cut what it writes
    socket.setNoDelay(true)
    socket.on('data', this.read)
    socket.on('close', () => {
      this.#closed = true
      this.#waiting.forEach(check => { check() })
    })
  }

  /** The frame as this end of a WebSocket must send it. */
  frame (opcode: number, payload?: Uint8Array | string, options: { fin?: boolean, rsv?: number } = {}): Buffer {
    return frame(opcode, payload, { ...options, masked: this.#masked })
  }

  /** Send one frame. */
  send (opcode: number, payload?: Uint8Array | string, options?: { fin?: boolean, rsv?: number }): void {
    this.socket.write(this.frame(opcode, payload, options))
  }

  /** Resolves when `done` says so of the frames, or with a throw when the socket ends before. */
  async until (done: (frames: Frame[]) => boolean): Promise<Frame[]> {
    await this.#wait(() => {
      if (!done(this.frames) && this.#closed) {
        throw new Error(`the socket ended after ${this.frames.length} frames`)
      }

      return done(this.frames)
    })

    return this.frames
  }

  /** Resolves with the frames when the socket has ended, whoever ended it. */
  async end (): Promise<Frame[]> {
    await this.#wait(() => this.#closed)

    return this.frames
  }

  async #wait (done: () => boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const check = (): void => {
        try {
          if (done()) {
            this.#waiting.delete(check)
            resolve()
          }
        } catch (error) {
          this.#waiting.delete(check)
          reject(error)
        }
      }

      this.#waiting.add(check)
      check()
    })
  }

  /** Take bytes that the peer sent. */
  readonly read = (data: Buffer): void => {
    this.#unread.push(data)
    this.#unreadSize += data.length

    while (this.#unreadSize >= this.#needed) {
      const bytes = this.#unread.length === 1 ? this.#unread[0] : Buffer.concat(this.#unread)
      const { frame, size } = parseFrame(bytes)
      const rest = frame == null ? bytes : bytes.subarray(size)

      if (frame != null) {
        this.frames.push(frame)
      }

      this.#needed = frame == null ? size : 2
      this.#unread = [rest]
      this.#unreadSize = rest.length
    }

    this.#waiting.forEach(check => { check() })
  }
}
