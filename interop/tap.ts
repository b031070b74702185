/** A proxy between a dialler and a listener that keeps what both put on the wire, and reads WebSocket frames out of it. */
import { connect, createServer } from 'node:net'
import { join, listening } from './ports.ts'

const HEAD_END = '\r\n\r\n'
const CONTINUATION = 0x0
const BINARY = 0x2
const CONTROL = 0x8
/** Bytes of the length behind a frame's first two bytes, where these say so. */
const EXTENDED_LENGTH: Record<number, number> = { 126: 2, 127: 8 }

export interface Frame {
  fin: boolean
  opcode: number
  masked: boolean
  length: number
}

export interface Tap {
  port: number
  /** Those with payload that the dialler, or the listener, has sent so far. */
  dialler (): Frame[]
  listener (): Frame[]
}

/** @param port - of the listener on this machine */
export async function tap (port: number): Promise<Tap> {
  const sent: Record<'dialler' | 'listener', Buffer[]> = { dialler: [], listener: [] }
  const server = createServer((dialler) => {
    const listener = connect(port, '127.0.0.1')

    join(dialler, listener)
    dialler.on('data', (data: Buffer) => { sent.dialler.push(data) })
    listener.on('data', (data: Buffer) => { sent.listener.push(data) })
  })

  return {
    port: await listening(server),
    dialler: () => readFrames(Buffer.concat(sent.dialler)),
    listener: () => readFrames(Buffer.concat(sent.listener))
  }
}

/** RFC 6455 section 5.2. */
function readFrames (wire: Buffer): Frame[] {
  const frames: Frame[] = []
  let at = wire.indexOf(HEAD_END) + HEAD_END.length

  while (at + 10 < wire.length) {
    const [first, second] = wire.subarray(at)
    const short = second & 0x7F
    const masked = (second & 0x80) !== 0
    const extended = EXTENDED_LENGTH[short] ?? 0
    const length = extended === 0 ? short : Number(`0x${wire.toString('hex', at + 2, at + 2 + extended)}`)

    frames.push({ fin: (first & 0x80) !== 0, opcode: first & 0xF, masked, length })
    at += 2 + extended + (masked ? 4 : 0) + length
  }

  return frames.filter(({ opcode, length }) => opcode < CONTROL && length > 0)
}

/** Bytes of each message. */
export function messages (frames: Frame[]): number[] {
  const lengths: number[] = []

  for (const { opcode, length } of frames) {
    opcode === CONTINUATION ? lengths[lengths.length - 1] += length : lengths.push(length)
  }

  return lengths
}

export function isBinary ({ opcode }: Frame): boolean {
  return opcode === BINARY || opcode === CONTINUATION
}
