/**
 * The routes of one HTTP server, one on a path.
 */
import { ListenError } from '@libp2p/interface'
import type { Route } from './route.ts'

export class Routes {
  readonly #byPath = new Map<string, Route>()

  /** One of them takes requests without target. */
  get emptyTarget (): boolean {
    return Array.from(this.#byPath.values()).some(({ emptyTarget }) => emptyTarget)
  }

  /** @throws {ListenError} there is one on this path already */
  add (route: Route): void {
    if (this.#byPath.has(route.path)) {
      throw new ListenError(`There is a listener on path ${route.path} of this port already: choose another /http-path, or another port`)
    }

    this.#byPath.set(route.path, route)
  }

  remove (route: Route): void {
    this.#byPath.delete(route.path)
  }

  /** For the target of a request: the one that has exactly its path, with or without a slash behind it. */
  at (target?: string): Route | undefined {
    return this.#byPath.get(pathOf(target))
  }

  /** As `at`, or else the one that takes any path. */
  find (target?: string): Route | undefined {
    return this.at(target) ?? this.#byPath.get('/')
  }
}

/** Of the target of a request: without query, and without a slash behind it. */
export function pathOf (target: string = '/'): string {
  // a target may be a whole URL (RFC 9112 section 3.2.2)
  const [path] = target.replace(/^\w+:\/\/[^/?]*/, '').split('?', 1)

  return path.replace(/\/$/, '') || '/'
}
