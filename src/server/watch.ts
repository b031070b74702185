/**
 * Notices that files were replaced, in whatever way: written to, renamed over, or behind a symbolic link that was switched.
 */
import { realpathSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import type { FSWatcher } from 'node:fs'

/** From the first sign of a change to a look at the files, ms: what replaces several of them is done by then. */
const SETTLE = 100

export interface WatchEvents {
  /** Something changed beside one of the files, or in it. */
  onchange (): void
  /** A folder cannot be watched any more. */
  onerror (error: Error): void
}

export class FileWatch {
  readonly #files: string[]
  readonly #events: WatchEvents
  #watchers: FSWatcher[]
  #timer: NodeJS.Timeout | undefined

  /** @throws {Error} the system has no watches left, or no such folder */
  constructor (files: string[], events: WatchEvents) {
    this.#files = files
    this.#events = events
    this.#watchers = this.#open()
  }

  close (): void {
    clearTimeout(this.#timer)
    this.#watchers.forEach(watcher => { watcher.close() })
  }

  /** Of folders: a watch of a file would stay with what was replaced. */
  #open (): FSWatcher[] {
    const watchers: FSWatcher[] = []

    try {
      for (const folder of new Set(this.#files.flatMap(foldersOf))) {
        const watcher = watch(folder, { persistent: false }, () => { this.#timer ??= setTimeout(this.#onsettled, SETTLE) })
        watchers.push(watcher.on('error', error => { this.#events.onerror(error) }))
      }
    } catch (error) {
      watchers.forEach(watcher => { watcher.close() })
      throw error
    }

    return watchers
  }

  readonly #onsettled = (): void => {
    const before = this.#watchers
    this.#timer = undefined

    try {
      // links may lead elsewhere by now
      this.#watchers = this.#open()
      before.forEach(watcher => { watcher.close() })
    } catch (error: any) {
      this.#events.onerror(error)
    }

    this.#events.onchange()
  }
}

/** Where a file is, and where what it links to is. */
function foldersOf (file: string): string[] {
  try {
    return [dirname(file), dirname(realpathSync(file))]
  } catch {
    // it is being replaced
    return [dirname(file)]
  }
}
