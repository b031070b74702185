/** Servers without manners, and what a dial says about them. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import type { DialStage } from '../../src/errors.ts'
import type { AddressInfo, Socket } from 'node:net'

/** A server that does this to each connection; the URL of it. */
export async function rude (onsocket: (socket: Socket) => void): Promise<string> {
  const peer = createServer(socket => {
    // resets are a part of what is tested
    socket.on('error', () => {})
    onsocket(socket)
    socket.resume()
  })
  cleanUp(async () => {
    peer.close()
    await once(peer, 'close')
  })
  peer.listen(0, '127.0.0.1')
  await once(peer, 'listening')

  return `ws://127.0.0.1:${(peer.address() as AddressInfo).port}`
}

/** A server that answers each request with this text, as it is. */
export async function answering (text: string): Promise<string> {
  return rude(socket => { socket.once('data', () => { socket.write(text) }) })
}

/** A dial error has its address, stage, cause and remedy, in its fields and its message. */
export function expectFailed (error: any, stage: DialStage): void {
  expect(error).to.include({ name: 'ConnectionFailedError', stage })
  expect(error.address).to.match(/^\/(ip[46]|dns[46]?)\/.*\/ws/)
  expect(error.message).to.include(error.address).and.include(`${stage} failed`)
  expect(error.remedy).to.be.a('string')
  expect(error.message).to.include(error.remedy)
  expect(error.cause).to.be.an.instanceOf(Error)
}
