/** What it-stream calls a source: anything that can be iterated. */
export type Source<T> = AsyncIterable<T> | Iterable<T>

/** The iterator of a source, of either kind. */
export type SourceIterator<T> = AsyncIterator<T> | Iterator<T>

export function iterate <T> (source: Source<T>): SourceIterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

/**
 * Tell an iterator that nothing more will be asked of it. Not awaited, because a generator that waits for a value
 * does not answer before it has one; what it throws then is of no interest.
 */
export function release (iterator: SourceIterator<unknown>): void {
  const released = (async () => iterator.return?.())()
  released.catch(() => {})
}
