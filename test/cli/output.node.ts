import { expect } from 'aegir/chai'
import { bar, formatBytes, formatDuration, formatRate, output, parseBytes, progress } from '../../src/cli/output.ts'
import { recorder } from './fixtures.ts'
import type { IO } from '../../src/cli/output.ts'

const DIM = '\x1b[2m'
const ERASE_LINE = '\r\x1b[K'

function testIO (isTTY: boolean, env: IO['env'] = {}): IO & { stdout: { text: string }, stderr: { text: string } } {
  return { stdout: recorder(isTTY), stderr: recorder(isTTY), env, signal: new AbortController().signal }
}

describe('formatBytes', () => {
  const cases: Array<[number, string]> = [
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1_000, '0.977 KiB'],
    [999.5, '0.976 KiB'],
    [1_024, '1.00 KiB'],
    [10_235, '10.0 KiB'],
    [102_400, '100 KiB'],
    [1_048_575, '1.00 MiB'],
    [67_108_864, '64.0 MiB'],
    [1_610_612_736, '1.50 GiB'],
    [2 ** 63, '8.00 EiB']
  ]

  for (const [bytes, text] of cases) {
    it(`writes ${bytes} as ${text}`, () => {
      expect(formatBytes(bytes)).to.equal(text)
    })
  }
})

describe('formatRate', () => {
  it('is bytes with the unit per second', () => {
    expect(formatRate(327_155_712)).to.equal('312 MiB/s')
  })
})

describe('formatDuration', () => {
  const cases: Array<[number, string]> = [
    [0, '0.00 ms'],
    [0.4212, '0.421 ms'],
    [9.996, '10.0 ms'],
    [12.34, '12.3 ms'],
    [999.4, '999 ms'],
    [999.5, '1.00 s'],
    [1_204, '1.20 s'],
    [59_400, '59.4 s'],
    [59_600, '1 min 0 s'],
    [125_000, '2 min 5 s']
  ]

  for (const [ms, text] of cases) {
    it(`writes ${ms} ms as ${text}`, () => {
      expect(formatDuration(ms)).to.equal(text)
    })
  }
})

describe('parseBytes', () => {
  const accepted: Array<[string, number]> = [
    ['0', 0],
    ['1048576', 1_048_576],
    ['10B', 10],
    ['1k', 1_000],
    ['1kB', 1_000],
    ['64MiB', 67_108_864],
    ['64mib', 67_108_864],
    ['2Gi', 2_147_483_648],
    ['1.5 GB', 1_500_000_000],
    ['1TiB', 1_099_511_627_776]
  ]

  for (const [text, bytes] of accepted) {
    it(`reads ${text} as ${bytes}`, () => {
      expect(parseBytes(text)).to.equal(bytes)
    })
  }

  for (const text of ['', 'MiB', '-1', '1e3', '1.MB', '5iB', '1 M i B', '0x10', 'NaN', '9007199254740992', '99999TiB']) {
    it(`refuses "${text}"`, () => {
      expect(parseBytes(text)).to.equal(undefined)
    })
  }
})

describe('bar', () => {
  const cases: Array<[number, number, string]> = [
    [0, 100, '░░░░'],
    [24, 100, '░░░░'],
    [25, 100, '█░░░'],
    [99, 100, '███░'],
    [100, 100, '████'],
    [120, 100, '████'],
    [0, 0, '████']
  ]

  for (const [done, total, text] of cases) {
    it(`shows ${done} of ${total} as ${text}`, () => {
      expect(bar(done, total, 4)).to.equal(text)
    })
  }
})

describe('progress', () => {
  it('draws one line over and over for a person, ten times a second at most and at the end', () => {
    const io = testIO(true)
    let now = 0
    const shown = progress(io, 'upload', 1_000, () => now)

    shown.update(100)
    now = 99
    shown.update(200)
    now = 100
    shown.update(500)
    now = 101
    shown.update(1_000)
    shown.end()

    const frames = io.stderr.text.split(ERASE_LINE)
    expect(frames.map(frame => /(\d+) %/.exec(frame)?.[1])).to.deep.equal([undefined, '10', '50', '100', undefined])
    expect(frames[2]).to.equal(`upload      ${bar(1, 2)}  50 %  4.88 KiB/s`)
  })

  it('leaves nothing of a bar when the transfer ends, however far it came', () => {
    const io = testIO(true)
    const shown = progress(io, 'upload', 1_000)

    shown.update(100)
    shown.end()

    expect(io.stderr.text.endsWith(ERASE_LINE)).to.equal(true)
    expect(io.stderr.text).to.not.contain('\n')
  })

  it('writes a line at each quarter where nobody watches', () => {
    const io = testIO(false)
    const shown = progress(io, 'upload', 1_024)

    for (let done = 0; done <= 1_024; done++) {
      shown.update(done)
    }
    shown.end()

    expect(io.stderr.text).to.equal('upload: 25 % of 1.00 KiB\nupload: 50 % of 1.00 KiB\nupload: 75 % of 1.00 KiB\nupload: 100 % of 1.00 KiB\n')
  })

  it('writes a line at each quarter on a terminal that knows no control sequences', () => {
    const io = testIO(true, { TERM: 'dumb' })
    const shown = progress(io, 'upload', 100)

    shown.update(50)
    shown.end()

    expect(io.stderr.text).to.equal('upload: 50 % of 100 B\n')
  })

  it('skips quarters that one step jumps over', () => {
    const io = testIO(false)
    progress(io, 'upload', 100).update(80)

    expect(io.stderr.text).to.equal('upload: 75 % of 100 B\n')
  })
})

describe('output', () => {
  it('aligns the values of rows', () => {
    const io = testIO(false)
    output(io, false).rows({ muxer: '/yamux/1.0.0', security: '/noise' })

    expect(io.stdout.text).to.equal('muxer       /yamux/1.0.0\nsecurity    /noise\n')
  })

  it('writes documents on one line and nothing else in the JSON form', () => {
    const io = testIO(false)
    const out = output(io, true)

    out.row('a', 'b')
    out.rows({ c: 'd' })
    out.line('e')
    out.json({ a: ['b'] })

    expect(io.stdout.text).to.equal('{"a":["b"]}\n')
  })

  it('writes no document in the readable form', () => {
    const io = testIO(false)
    output(io, false).json({})

    expect(io.stdout.text).to.equal('')
  })

  it('talks on stderr in both forms', () => {
    const io = testIO(false)

    output(io, true).talk('a')
    output(io, false).talk('b')

    expect(io.stderr.text).to.equal('a\nb\n')
    expect(io.stdout.text).to.equal('')
  })

  it('dims labels on a terminal', () => {
    const io = testIO(true)
    output(io, false).row('muxer', '/yamux/1.0.0')

    expect(io.stdout.text).to.contain(DIM)
  })

  it('has no colour where NO_COLOR is set, and has it where that is empty', () => {
    const refused = testIO(true, { NO_COLOR: '1' })
    const empty = testIO(true, { NO_COLOR: '' })

    output(refused, false).row('muxer', '/yamux/1.0.0')
    output(empty, false).row('muxer', '/yamux/1.0.0')

    expect(refused.stdout.text).to.equal('muxer       /yamux/1.0.0\n')
    expect(empty.stdout.text).to.contain(DIM)
  })

  it('has no colour on a terminal that knows no control sequences', () => {
    const io = testIO(true, { TERM: 'dumb' })
    output(io, false).row('muxer', '/yamux/1.0.0')

    expect(io.stdout.text).to.equal('muxer       /yamux/1.0.0\n')
  })

  it('has no colour in a file or pipe', () => {
    const io = testIO(false)
    output(io, false).row('muxer', '/yamux/1.0.0')

    expect(io.stdout.text).to.not.contain('\x1b')
  })
})
