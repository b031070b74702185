import type { Framing } from '../../src/bridge/framing.ts'

/** A message in one string: its kind, and its bytes as latin1. */
export type Shown = string

/** The messages that a framing makes of these reads, and the name of the error that ended it. */
export async function frame (framing: Framing, reads: Array<Uint8Array | string>): Promise<Shown[]> {
  const shown: Shown[] = []

  try {
    for await (const { data, text } of framing(sourceOf(reads.map(bytesOf)))) {
      shown.push(`${text ? 'text' : 'binary'} ${Buffer.from(data).toString('latin1')}`)
    }
  } catch (err: any) {
    shown.push(err.name)
  }

  return shown
}

/** Latin1, so that a test can write any byte as `\xHH`. */
export function bytesOf (read: Uint8Array | string): Uint8Array {
  return typeof read === 'string' ? Buffer.from(read, 'latin1') : read
}

export async function * sourceOf (reads: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const read of reads) {
    // a framing may do with it what it likes
    yield Uint8Array.from(read)
  }
}

/** Every way to cut these bytes into reads: 2 to the power of `length - 1`. */
export function * allSplits (bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let cuts = 0; cuts < 2 ** Math.max(0, bytes.length - 1); cuts++) {
    yield splitAt(bytes, Array.from(bytes.keys()).filter(i => (cuts >> i & 1) === 1).map(i => i + 1))
  }
}

export function splitAt (bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const places = [0, ...[...new Set(cuts)].filter(cut => cut > 0 && cut < bytes.length).sort((a, b) => a - b), bytes.length]

  return places.slice(1).map((end, i) => bytes.subarray(places[i], end))
}
