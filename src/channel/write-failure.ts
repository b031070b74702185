/**
 * A write that fails ends a socket of Node at once, with all that it has not read. But a peer that says its last words,
 * closes, and does not wait for an answer, makes our next write fail: its words, the Close frame among them, are still
 * to be read.
 */
import type { Socket } from 'node:net'

/**
 * From now on a failed write leaves the socket open for reading.
 *
 * @param socket - after the first failure nothing may be written to it, and whoever is told of it ends it
 * @param onfailed - called once, because those behind the first fail for its reason; `atOnce`: the other end had gone before this
 * write began
 */
export function tellWriteFailure (socket: Socket, onfailed: (error: Error, atOnce: boolean) => void): void {
  const { _write, _writev } = socket
  let beginning = false
  let failed = false
  // of the write under way: a stream has one at most
  let done: (() => void) | undefined

  const onwritten = (error?: Error | null): void => {
    if (error != null && !failed) {
      failed = true
      onfailed(error, beginning)
    }

    done?.()
  }

  socket._write = (chunk, encoding, callback) => {
    done = callback
    beginning = true
    _write.call(socket, chunk, encoding, onwritten)
    beginning = false
  }

  socket._writev = (chunks, callback) => {
    done = callback
    beginning = true
    _writev?.call(socket, chunks, onwritten)
    beginning = false
  }
}
