import type { Transport } from '@libp2p/interface'

/** Its listeners note why they cannot listen: libp2p drops the errors, or joins them and their stacks into one message. */
export function notingFailures (transport: Transport, failures: string[]): Transport {
  const createListener = transport.createListener.bind(transport)

  transport.createListener = (options) => {
    const listener = createListener(options)
    const listen = listener.listen.bind(listener)

    listener.listen = async (address) => {
      try {
        await listen(address)
      } catch (err: any) {
        failures.push(err.message)
        throw err
      }
    }

    return listener
  }

  return transport
}
