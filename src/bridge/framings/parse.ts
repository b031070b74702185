/**
 * Framings as people write them in commands and configuration: the name, and behind a colon what it takes.
 */
import { InvalidParametersError } from '@libp2p/interface'
import { dynamic32 } from './dynamic32.ts'
import { fixedLength } from './fixed-length.ts'
import { json } from './json.ts'
import { auto, binary, text } from './reads.ts'
import { newline, separator } from './separator.ts'
import { unescapeBytes } from './unescape.ts'
import type { CutOptions } from './cut.ts'
import type { Dynamic32Options } from './dynamic32.ts'
import type { ReadOptions } from './reads.ts'
import type { LineEnd } from './separator.ts'
import type { Framing } from '../framing.ts'

export type FramingOptions = CutOptions & ReadOptions

interface Form {
  /** How it is written. */
  readonly example: string
  /** Whether something must stand behind the colon, or may not. */
  readonly config: 'needed' | 'optional' | 'none'
  make (config: string, options: FramingOptions): Framing
}

/** By lower-case name. */
const FORMS: Record<string, Form> = {
  auto: { example: 'auto', config: 'none', make: (_, options) => auto(options) },
  binary: { example: 'binary', config: 'none', make: () => binary() },
  text: { example: 'text', config: 'none', make: (_, options) => text(options) },
  newline: { example: 'newline:lf', config: 'needed', make: (config, options) => newline(config.toLowerCase() as LineEnd, options) },
  separator: { example: 'separator:\\r\\n', config: 'needed', make: (config, options) => separator(unescapeBytes(config), options) },
  fixedlength: { example: 'fixedLength:16', config: 'needed', make: config => fixedLength(number(config, 'fixedLength')) },
  dynamic32: { example: 'dynamic32:offset=2,endian=big', config: 'optional', make: (config, options) => dynamic32({ ...dynamic32Options(config), ...options }) },
  json: { example: 'json', config: 'none', make: (_, options) => json(options) }
}

/** How each framing is written, for help and errors. */
export const FRAMING_EXAMPLES: string[] = Object.values(FORMS).map(({ example }) => example)

/**
 * @param form - `auto`, `newline:lf`, `separator:\r\n` with the escapes `\r \t \n \0 \f \\ \xHH`, `fixedLength:16`,
 * `dynamic32:offset=2,static=-4,endian=big`, ...; names in any case
 * @param options - for the framings that have them
 * @throws {InvalidParametersError} anything else; the message says what to write
 */
export function parseFraming (form: string, options: FramingOptions = {}): Framing {
  const [, name, colon, config] = /^([^:]*)(:?)(.*)$/s.exec(form) ?? []
  const key = name.trim().toLowerCase()

  if (!Object.hasOwn(FORMS, key)) {
    throw new InvalidParametersError(`there is no framing ${JSON.stringify(name)}: write one of ${FRAMING_EXAMPLES.join(', ')}`)
  }

  const { example, config: rule, make } = FORMS[key]

  if (rule === 'needed' && config === '') {
    throw new InvalidParametersError(`the framing ${name} needs to be told more: write for example ${example}`)
  }

  if (rule === 'none' && colon !== '') {
    throw new InvalidParametersError(`the framing ${name} takes nothing behind its name: write ${example}`)
  }

  return make(config, options)
}

function dynamic32Options (config: string): Dynamic32Options {
  const entries = config.split(/[,\s]+/).filter(entry => entry !== '').map((entry): [string, string | number] => {
    const [, key, value] = /^(offset|static|endian)=(.*)$/.exec(entry) ?? []

    if (key == null) {
      throw new InvalidParametersError(`the framing dynamic32 takes offset=, static= and endian=, separated by commas, not ${JSON.stringify(entry)}`)
    }

    return [key, key === 'endian' ? value : number(value, `${key} of dynamic32`)]
  })

  return Object.fromEntries(entries)
}

function number (text: string, what: string): number {
  if (!/^-?\d+$/.test(text)) {
    throw new InvalidParametersError(`${what} takes a whole number, not ${JSON.stringify(text)}`)
  }

  return Number(text)
}
