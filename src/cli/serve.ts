import { once } from 'node:events'
import type { IO, Output } from './output.ts'

/** Where something is reached, a line for each address; the whole is its JSON form. */
export type Served = { peer?: string } & ({ addresses: string[] } | { local: string[] })

/** Say where it is reached and what it is doing, until a signal is to stop it. */
export async function serve ({ signal }: IO, out: Output, doing: string, served: Served): Promise<void> {
  const addresses = 'local' in served ? served.local : served.addresses

  addresses.forEach(address => { out.line(address) })
  out.json(served)
  out.talk(`${doing}, stop with Ctrl-C`)

  if (!signal.aborted) {
    await once(signal, 'abort')
  }
}
