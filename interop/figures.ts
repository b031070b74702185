/**
 * Throughput between implementations, one stream over ws, Noise and yamux: each pair of ours, and each implementation with
 * itself, measured in turns on this machine. See benchmarks/README.md.
 */
/* eslint-disable no-console */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { pinned } from '../benchmarks/ends.ts'
import { median } from '../benchmarks/stats.ts'
import { LANGUAGES, ourProgram } from './build.ts'
import { Peer } from './peer.ts'
import type { Program } from './build.ts'

const MIB = 1_048_576
const LISTEN = '/ip4/127.0.0.1/tcp/0/ws'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    mib: { type: 'string', default: '128' }
  }
})

interface Pair {
  dialler: string
  listener: string
}

/** MB/s of each run. */
interface Rates extends Pair {
  upload: number[]
  download: number[]
}

const OURS = 'ours'
const PAIRS: Pair[] = [
  { dialler: OURS, listener: OURS },
  { dialler: 'go', listener: 'go' },
  { dialler: 'rust', listener: 'rust' },
  { dialler: 'js', listener: 'js' },
  { dialler: OURS, listener: 'go' },
  { dialler: 'go', listener: OURS },
  { dialler: OURS, listener: 'rust' },
  { dialler: 'rust', listener: OURS }
]

const programs: Record<string, Program> = { [OURS]: await ourProgram() }

for (const { name, build } of LANGUAGES) {
  if (PAIRS.some(({ dialler }) => dialler === name)) {
    console.error(`building the peer in ${name}`)
    programs[name] = await build()
  }
}

const rates: Rates[] = PAIRS.map(pair => ({ ...pair, upload: [], download: [] }))

for (let run = 0; run < Number(options.runs); run++) {
  // each run begins with another pair, as in the other benchmarks
  for (const pair of [...rates.slice(run), ...rates.slice(0, run)]) {
    await measure(pair)
  }
}

console.info(formatTable())

async function measure ({ dialler, listener, upload, download }: Rates): Promise<void> {
  const bytes = Number(options.mib) * MIB
  const ends = {
    listener: await Peer.start(programs[listener], { listen: [LISTEN] }, onCpu(1)),
    dialler: await Peer.start(programs[dialler], {}, onCpu(0))
  }

  try {
    await ends.dialler.ask('dial', ends.listener.addresses[0])
    // warm up: the compilers of JavaScript, the windows of yamux
    await ends.dialler.ask('perf', bytes / 4, bytes / 4)
    upload.push(bytes / (await ends.dialler.ask('perf', bytes, 0)).seconds / 1e6)
    download.push(bytes / (await ends.dialler.ask('perf', 0, bytes)).seconds / 1e6)
  } finally {
    await ends.dialler.end('kill')
    await ends.listener.end('kill')
  }
}

function onCpu (cpu: number): string[] {
  return pinned ? ['taskset', '-c', `${cpu}`] : []
}

function formatTable (): string {
  return [
    `${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}, Node ${process.version}, ${Object.values(programs).map(({ name }) => name).join(', ')}; ` +
    `medians of ${options.runs} runs of ${options.mib} MiB`,
    '',
    '| dialler | listener | upload MB/s | download MB/s | compared with | upload | download |',
    '|---|---|---|---|---|---|---|',
    ...rates.map((rate) => {
      const { dialler, listener } = rate
      const yardstick = dialler === listener ? homogeneous('go') : slower(homogeneous(dialler), homogeneous(listener))
      const ratio = (direction: 'upload' | 'download'): string => `${median(rate[direction].map((value, i) => value / yardstick[direction][i])).toFixed(2)}x`

      return `| ${dialler} | ${listener} | ${Math.round(median(rate.upload))} | ${Math.round(median(rate.download))} | ` +
        `${yardstick.dialler} to ${yardstick.listener} | ${ratio('upload')} | ${ratio('download')} |`
    })
  ].join('\n')
}

function homogeneous (name: string): Rates {
  return rates.find(({ dialler, listener }) => dialler === name && listener === name) ?? rates[0]
}

function slower (a: Rates, b: Rates): Rates {
  return median([...a.upload, ...a.download]) < median([...b.upload, ...b.download]) ? a : b
}
