import { RepSocket } from './rep.ts'
import type { ReplierOptions } from './rep.ts'

export type Respondent = RepSocket

/** Answers surveys, or leaves them; the same machine as REP. */
export function respondent (options: ReplierOptions = {}): Respondent {
  return new RepSocket(options, 'respondent')
}
