/** Every ordered pair of a peer and us. Builds the peers first, so it may take its time before the first line. */
import { LANGUAGES } from './build.ts'
import { addresses } from './cases/addresses.ts'
import { endings } from './cases/endings.ts'
import { exchange } from './cases/exchange.ts'
import { flow } from './cases/flow.ts'
import { goDialling, goListening } from './cases/go.ts'
import { harness } from './cases/harness.ts'
import { page } from './cases/page.ts'
import { rustDialling, rustListening } from './cases/rust.ts'
import { wire } from './cases/wire.ts'
import { cannotRun, hasTool } from './tools.ts'
import type { Language, Program } from './build.ts'
import type { FrameFacts } from './cases/wire.ts'

/** What a peer does and does not do: docs/interop.md has the same in words. */
interface PeerFacts {
  whenDialled: Facts
  whenDialling: Facts
}

interface Facts {
  frames: FrameFacts
  /** What it does not dial, and what it says of it. */
  refused?: Record<string, RegExp>
  /** Its streams, iterated over, are read without bound. */
  readsAhead?: boolean
  /** On one connection. */
  maxStreams?: number
  /** Cases of its own. */
  special? (program: Program): void
}

const PEERS: Record<string, PeerFacts> = {
  go: {
    whenDialled: { frames: { largest: 65_537 }, special: goListening },
    whenDialling: { frames: { largest: 4_096, fragments: true }, special: goDialling }
  },
  rust: {
    whenDialled: { frames: { largest: 16_414 }, maxStreams: 500, special: rustListening },
    whenDialling: {
      frames: { largest: 16_414 },
      maxStreams: 500,
      refused: { '`/ip4/../tls/sni/N/ws`': /Unsupported/ },
      special: rustDialling
    }
  },
  python: {
    whenDialled: { frames: { largest: 65_537 } },
    whenDialling: {
      frames: { largest: 65_537 },
      maxStreams: 250,
      refused: {
        '`/ip4/../tls/ws`': /unable to connect/,
        '`/ip6/../tls/ws`': /unable to connect/,
        '`/dns4/../tls/ws`': /unable to connect/,
        '`/ip4/../tls/sni/N/ws`': /No supported transport/
      }
    }
  },
  js: {
    whenDialled: { frames: { largest: 65_507 }, readsAhead: true },
    // of a name that nobody resolves Node's own WebSocket says no more
    whenDialling: { frames: { largest: 65_507 }, readsAhead: true, refused: { '`/ip4/../tls/sni/N/ws`': /^TypeError: / } }
  }
}

const only = process.env.INTEROP_ONLY
const languages = LANGUAGES.filter(({ name }) => only == null || only === name)
const programs: Program[] = []

if (languages.length === 0) {
  throw new Error(`INTEROP_ONLY: no peer "${only}", there is ${LANGUAGES.map(({ name }) => name).join(', ')}`)
}

for (const language of languages) {
  const { program, reason } = await tryBuild(language)

  if (program != null) {
    programs.push(program)
  }

  describe(program?.name ?? language.name, function () {
    this.timeout(120_000)

    if (program == null) {
      it('is built', function () {
        cannotRun(this, reason)
      })
      return
    }

    for (const weDial of [true, false]) {
      describe(weDial ? 'we dial' : 'it dials', () => {
        const pairing = { program, weDial }
        const { whenDialled, whenDialling } = PEERS[language.name]
        const { frames, refused, maxStreams, readsAhead, special } = weDial ? whenDialled : whenDialling

        addresses(pairing, refused)
        exchange(pairing, maxStreams)
        endings(pairing)
        flow(pairing, readsAhead)
        wire(pairing, frames)
        special?.(program)

        if (weDial) {
          page(program)
        }
      })
    }
  })
}

describe('the official harnesses', function () {
  this.timeout(60_000)
  harness(programs)
})

async function tryBuild (language: Language): Promise<{ program?: Program, reason: string }> {
  if (!await hasTool(language.tool)) {
    return { reason: `${language.tool} is not installed` }
  }

  process.stderr.write(`building the peer in ${language.name}\n`)

  try {
    return { program: await language.build(), reason: '' }
  } catch (err: any) {
    return { reason: `its build failed: ${err.message}` }
  }
}
