/** What all endpoints have in common but that of a Channel. */
import { CloseCode } from '../constants.ts'
import { Ending } from '../ending.ts'
import type { EndpointEnd } from './endpoint.ts'

export abstract class BaseEndpoint extends Ending<EndpointEnd> {
  readonly remote: string
  onmessage: ((data: Uint8Array, text: boolean) => void) | undefined
  ondrain: (() => void) | undefined
  onend: (() => void) | undefined

  constructor (remote: string) {
    super()
    this.remote = remote
  }

  protected finish (error?: Error, code: number = error == null ? CloseCode.NORMAL : CloseCode.BAD_GATEWAY): void {
    this.conclude({ code, reason: '', error })
  }
}
