import { AbortError } from '@libp2p/interface'
import { MAX_DELAY, SP_SURVEY_TIME } from '../constants.ts'
import { decodeWord, encodeWord, firstId, join, nextId } from './header.ts'
import { Inbox } from './inbox.ts'
import { encodeBody } from './message.ts'
import { SpSocket } from './socket.ts'
import { throwIfAborted } from './waiter.ts'
import type { BestEffortOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

export interface SurveyorOptions extends Omit<BestEffortOptions, 'text'> {
  /**
   * How long a survey takes answers, ms.
   *
   * @default 1_000
   */
  surveyTime?: number
}

export interface SurveyOptions {
  /**
   * How long it takes answers, ms.
   *
   * @default the option `surveyTime` of the socket
   */
  deadline?: number

  /** Ends it with an `AbortError`. */
  signal?: AbortSignal
}

/** Asks all RESPONDENT peers at once. */
class SurveyorSocket extends SpSocket {
  readonly #surveyTime: number
  readonly #surveys = new Map<number, Survey>()
  #id = firstId()

  constructor ({ surveyTime = SP_SURVEY_TIME, ...init }: SurveyorOptions) {
    super('surveyor', init)
    this.refuseText()
    this.#surveyTime = surveyTime
  }

  /**
   * Ask now, and iterate over the answers until the deadline. Any number may be under way. Answers that come later are
   * dropped, and so are those beyond `receiveBuffer` that nobody has taken; leaving the loop ends the survey.
   *
   * @param body - not copied: it belongs to the socket from now on
   * @param options - how long it takes
   * @throws {ConnectionClosedError} the socket is closed
   */
  survey (body: Uint8Array | string, options: SurveyOptions = {}): AsyncIterableIterator<Uint8Array, undefined> {
    this.assertOpen()
    throwIfAborted(options)

    const id = this.#nextId()
    const message = { data: join(encodeWord(id), encodeBody(body, false)), text: false }

    this.pipes.offer(message)

    const survey = new Survey(this.options.receiveBuffer, { ...options, deadline: options.deadline ?? this.#surveyTime }, () => { this.#surveys.delete(id) })
    this.#surveys.set(id, survey)

    return survey
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    const { word, body } = decodeWord(data)

    this.#surveys.get(word)?.add(body)
  }

  protected onclosed (): void {
    this.#surveys.forEach(survey => { survey.end() })
  }

  /** Not one that is under way. */
  #nextId (): number {
    do {
      this.#id = nextId(this.#id)
    } while (this.#surveys.has(this.#id))

    return this.#id
  }
}

class Survey implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #answers: Inbox<Uint8Array>
  readonly #signal: AbortSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #onend: () => void

  constructor (limit: number, { deadline, signal }: SurveyOptions & { deadline: number }, onend: () => void) {
    this.#answers = new Inbox(limit)
    this.#onend = onend
    this.#signal = signal
    this.#timer = setTimeout(() => { this.end() }, Math.min(deadline, MAX_DELAY))
    signal?.addEventListener('abort', this.#onabort)
  }

  add (answer: Uint8Array): void {
    if (!this.#answers.full) {
      this.#answers.push(answer)
    }
  }

  /** No more answers; those that were not taken yet can be. */
  end (error?: Error): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onabort)
    this.#answers.close(error ?? new SurveyEnd(), error != null)
    this.#onend()
  }

  async next (): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      return { done: false, value: await this.#answers.take() }
    } catch (error) {
      if (error instanceof SurveyEnd) {
        return { done: true, value: undefined }
      }

      throw error
    }
  }

  async return (): Promise<IteratorResult<Uint8Array, undefined>> {
    this.end()

    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  readonly #onabort = (): void => { this.end(new AbortError('the survey was aborted')) }
}

/** Stands for a deadline that has passed. */
class SurveyEnd extends Error {}

export type Surveyor = SurveyorSocket

export function surveyor (options: SurveyorOptions = {}): Surveyor {
  return new SurveyorSocket(options)
}
