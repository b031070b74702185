/**
 * Notices that files were replaced, in whatever way: written to, renamed over, or behind a symbolic link that was switched.
 */
import { watch } from 'node:fs'
import { dirname } from 'node:path'

/** From the first sign of a change to a look at the files, ms: what replaces several of them is done by then. */
const SETTLE = 100

export interface WatchEvents {
  /** Something changed beside one of the files, or in it. */
  onchange (): void
  /** A folder cannot be watched any more. */
  onerror (error: Error): void
}

/**
 * Watch the folders of files: a watch of a file would stay with what was replaced.
 *
 * @returns ends it
 * @throws {Error} the system has no watches left, or no such folder
 */
export function watchFiles (files: string[], { onchange, onerror }: WatchEvents): () => void {
  let timer: NodeJS.Timeout | undefined
  const watchers = [...new Set(files.map(file => dirname(file)))].map(folder => {
    const watcher = watch(folder, { persistent: false }, () => {
      timer ??= setTimeout(() => {
        timer = undefined
        onchange()
      }, SETTLE)
    })

    return watcher.on('error', onerror)
  })

  return () => {
    clearTimeout(timer)
    watchers.forEach(watcher => { watcher.close() })
  }
}
