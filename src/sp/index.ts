/**
 * @packageDocumentation
 *
 * The sockets of nanomsg and NNG over WebSocket: scalability protocols that speak to the real ones. A socket listens and
 * dials at any number of addresses, connects again by itself, and moves whole messages; what it guarantees, and what it
 * drops, is up to its protocol. In browsers everything but `listen` works.
 *
 * @example
 *
 * ```typescript
 * import { rep, req } from 'ws-transport/sp'
 *
 * const replier = rep()
 * const { addresses } = await replier.listen('ws://127.0.0.1:0/time')
 *
 * const requester = req()
 * await requester.dial(addresses[0])
 *
 * const reply = requester.request('what time is it?', { timeout: 1_000 })
 *
 * for await (const request of replier) {
 *   await request.reply(new Date().toISOString())
 *   break
 * }
 *
 * console.info(new TextDecoder().decode(await reply))
 * ```
 */
export { bus } from './bus.ts'
export { pair } from './pair.ts'
export { pair1 } from './pair1.ts'
export { pub } from './pub.ts'
export { pull } from './pull.ts'
export { push } from './push.ts'
export { rep } from './rep.ts'
export { req } from './req.ts'
export { respondent } from './respondent.ts'
export { sub } from './sub.ts'
export { surveyor } from './surveyor.ts'
export type { Bus } from './bus.ts'
export type { Pair } from './pair.ts'
export type { Pair1, Pair1Options } from './pair1.ts'
export type { Pub } from './pub.ts'
export type { Pull } from './pull.ts'
export type { Push } from './push.ts'
export type { Rep, ReplierOptions, Request } from './rep.ts'
export type { Req, ReqOptions } from './req.ts'
export type { Respondent } from './respondent.ts'
export type { Sub, SubOptions } from './sub.ts'
export type { SurveyOptions, Surveyor, SurveyorOptions } from './surveyor.ts'
export type { BestEffortOptions, BufferedOptions, DialOptions, ListenOptions, SocketOptions } from './options.ts'
export type { Endpoint, Listener } from './endpoint.ts'
export type { SendOptions } from './message.ts'
export type { Pipe, UpgradeFacts } from './pipe.ts'
export type { Protocol, ProtocolName } from './protocols.ts'
export type { SocketEvents } from './socket.ts'
export type { WaitOptions } from './waiter.ts'
