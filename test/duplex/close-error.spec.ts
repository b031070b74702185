import { expect } from 'aegir/chai'
import { closeError } from '../../src/channel/close-error.ts'

describe('closeError', () => {
  for (const code of [1000, 1001, 1005]) {
    it(`says nothing about ${code}`, () => {
      expect(closeError({ code, reason: 'bye', wasClean: true })).to.equal(undefined)
    })

    it(`reports ${code} without an answer from the peer`, () => {
      expect(closeError({ code, reason: '', wasClean: false })).to.include({ name: 'WebSocketClosedError', code, reason: '', wasClean: false })
    })
  }

  for (const code of [1002, 1003, 1006, 1009, 1011, 3000, 4999]) {
    it(`reports ${code}, with its cause`, () => {
      const error = new Error('broken')

      expect(closeError({ code, reason: 'bye', wasClean: true, error })).to.include({ name: 'WebSocketClosedError', code, reason: 'bye', wasClean: true, cause: error })
    })
  }
})
