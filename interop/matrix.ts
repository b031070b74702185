/** Every ordered pair of a peer and us. Builds the peers first, so it may take its time before the first line. */
import { skip } from '../test/fixtures/skip.ts'
import { hasTool, LANGUAGES } from './build.ts'
import { addresses } from './cases/addresses.ts'
import { endings } from './cases/endings.ts'
import { exchange } from './cases/exchange.ts'
import { note } from './report.ts'
import type { Language, Program } from './build.ts'

/** Where Go and Rust are, everything must run. */
const mustRun = process.env.CI === 'true' && await hasTool('go') && await hasTool('cargo')

const only = process.env.INTEROP_ONLY

for (const language of LANGUAGES.filter(({ name }) => only == null || only === name)) {
  const { program, reason } = await tryBuild(language)

  describe(program?.name ?? language.name, function () {
    this.timeout(120_000)

    if (program == null) {
      it('is built', function () {
        if (mustRun) {
          throw new Error(reason)
        }

        note(this, reason)
        skip(this, reason)
      })
      return
    }

    for (const weDial of [true, false]) {
      describe(weDial ? 'we dial' : 'it dials', () => {
        const pairing = { program, weDial }

        addresses(pairing, language.name === 'rust' ? { '`/ip4/../tls/sni/N/ws`': /./ } : {})
        exchange(pairing)
        endings(pairing)
      })
    }
  })
}

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
