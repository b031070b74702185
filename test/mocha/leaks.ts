/**
 * Fails a run that leaves something open: a socket, a server, a timer, a child process or a listener on `process`.
 *
 * Mocha loads this file first; its check runs after the last test and names each leak, its test and the code that
 * made it. An unreferenced resource holds no process open, so it counts only where this package made it.
 */
import { createHook } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Context, RootHookObject } from 'mocha'

/** What is watched: the type that Node gives a resource, and what people call it. */
const KINDS: Record<string, string> = {
  FSEVENTWRAP: 'file watcher',
  PIPESERVERWRAP: 'Unix socket server',
  PIPEWRAP: 'Unix socket or pipe',
  PROCESSWRAP: 'child process',
  TCPSERVERWRAP: 'TCP server',
  TCPWRAP: 'TCP socket',
  Timeout: 'timer',
  UDPWRAP: 'UDP socket',
  WORKER: 'worker thread'
}

/** What the last test closed may need this long to be gone, ms. */
const GRACE = 2_000
const POLL_INTERVAL = 20

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const OWN_CODE = [`${ROOT}src/`, `${ROOT}dist/src/`]
const THIS_FOLDER = `${ROOT}test/mocha/`
const MOCHA = '/node_modules/mocha/'
const STACK_FRAMES = 30

interface Resource {
  readonly kind: string
  readonly handle: WeakRef<{ hasRef?(): boolean }>
  /** The test that was running. */
  readonly test: string
  /** Where it was made. The stack is read only if it leaks. */
  readonly made: Error
}

const open = new Map<number, Resource>()

let test = 'before the first test'
let listenersBefore: Map<string | symbol, number>

createHook({
  init (id, type, _, handle) {
    if (type in KINDS) {
      open.set(id, { kind: KINDS[type], handle: new WeakRef(handle), test, made: stackHere() })
    }
  },
  destroy (id) {
    open.delete(id)
  },
  trackPromises: false
}).enable()

export const mochaHooks: RootHookObject = {
  beforeAll () {
    listenersBefore = processListeners()
  },

  beforeEach (this: Context) {
    test = this.currentTest?.fullTitle() ?? ''
  },

  async afterAll (this: Context) {
    this.timeout(2 * GRACE)

    // the first look at a long run takes a while, and is not part of the grace
    let leaks = findLeaks()
    const deadline = Date.now() + GRACE

    while (leaks.length > 0 && Date.now() < deadline) {
      await delay(POLL_INTERVAL, undefined, { ref: false })
      leaks = findLeaks()
    }

    if (leaks.length > 0) {
      throw new Error(`${leaks.length} left open after the last test:\n\n${leaks.join('\n\n')}\n`)
    }
  }
}

function findLeaks (): string[] {
  const resources = [...open.values()]
    .filter(isLeak)
    .map(resource => [`${resource.kind}, made in '${resource.test}'`, ...origin(resource)].join('\n'))
  const listeners = [...processListeners()]
    .filter(([event, count]) => count > (listenersBefore.get(event) ?? 0))
    .map(([event]) => `process listener for '${String(event)}'`)

  return [...resources, ...listeners]
}

function isLeak (resource: Resource): boolean {
  const handle = resource.handle.deref()
  const maker = origin(resource).at(0) ?? ''

  if (handle == null || maker.includes(MOCHA)) {
    return false
  }

  return handle.hasRef?.() !== false || OWN_CODE.some(path => maker.includes(path))
}

/** The stack that made a resource, without Node's own frames: empty where Node made it later, as for accepted sockets. */
function origin (resource: Resource): string[] {
  return (resource.made.stack ?? '').split('\n').slice(1)
    .filter(frame => frame.includes('/') && !frame.includes('node:') && !frame.includes(THIS_FOLDER))
}

function stackHere (): Error {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = STACK_FRAMES

  try {
    return new Error()
  } finally {
    Error.stackTraceLimit = limit
  }
}

function processListeners (): Map<string | symbol, number> {
  return new Map(process.eventNames().map(event => [event, process.listenerCount(event)]))
}
