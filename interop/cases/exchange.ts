/** Much data, many streams, both directions. */
import { meet } from '../meeting.ts'
import type { Pairing } from '../meeting.ts'

const MIB = 1_048_576
const STREAMS = 1_000

export function exchange (pairing: Pairing): void {
  it('echo of 100 MiB', async () => {
    const { dialler } = await meet(pairing)

    await dialler.echo(100 * MIB)
  })

  it('1 000 streams at once', async () => {
    const { dialler } = await meet(pairing)

    await dialler.streams(STREAMS, 10_000)
  })

  it('perf, 64 MiB up, then down, then both', async () => {
    const { dialler } = await meet(pairing)

    await dialler.perf(64 * MIB, 0)
    await dialler.perf(0, 64 * MIB)
    await dialler.perf(16 * MIB, 16 * MIB)
  })
}
