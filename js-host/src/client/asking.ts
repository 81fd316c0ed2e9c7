/**
 * What rooms, played or watched, and the account of a page have in common in how they ask: one request at a time, as soon as it is due, and what
 * the answers say of the line. Decides nothing of when it is due, and must not know what is asked.
 */

import type { Answer } from './line'

/** Failures count as trouble when they last for longer than this, in milliseconds. */
const TROUBLE_MS = 400
/** Refusals that say something about us, not about the moment. */
const LASTING = new Set(['device_limit', 'forbidden', 'not_found', 'bad_name', 'corrupt'])

/** Who asks. */
export interface Questions {
  /** Whether nothing is asked any more. */
  stopped(): boolean
  /** From when on the next request may go. `asked_ms`: when the last one went. All in milliseconds of `performance.now()`. */
  due(now_ms: number, asked_ms: number): number
  /** Asks once. */
  ask(now_ms: number): Promise<void>
  /** After so many milliseconds it is looked again, whatever was due. */
  readonly look_ms: number
}

/** Asks when it is time to. */
export class Asker {
  readonly #questions: Questions
  #asking = false
  #asked_ms = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(questions: Questions) {
    this.#questions = questions
  }

  /** Asks if it is time to, else sees to it that this is looked at again. */
  pump(): void {
    const { stopped, due, ask, look_ms } = this.#questions
    if (this.#asking || stopped()) return
    this.stop()
    const now_ms = performance.now()
    const due_ms = due(now_ms, this.#asked_ms)
    if (now_ms < due_ms) {
      this.#timer = setTimeout(() => this.pump(), Math.min(due_ms - now_ms, look_ms))
      return
    }
    this.#asking = true
    this.#asked_ms = now_ms
    ask(now_ms)
      .catch((error: unknown) => console.error('baton: asking failed', error))
      .finally(() => {
        this.#asking = false
        this.pump()
      })
  }

  /** Looks no more, until it is pumped again. */
  stop(): void {
    clearTimeout(this.#timer)
  }
}

/** What the last answers say of the line to a host. */
export class Hearing {
  #heard = false
  #refusal: string | null = null
  #failingSince_ms: number | null = null

  /** Whether anything was understood since the page began. */
  get heard(): boolean {
    return this.#heard
  }

  /** The stable code by which the host refuses us, if that is no matter of the moment. */
  get refusal(): string | null {
    return this.#refusal
  }

  /** Takes note of an answer. */
  take(answer: Answer, understood: boolean, now_ms: number): void {
    this.#refusal = answer.tag === 'refused' && LASTING.has(answer.code) ? answer.code : null
    this.#heard ||= understood
    this.#failingSince_ms = understood ? null : (this.#failingSince_ms ?? now_ms)
  }

  /** Whether there is no way to the host, for longer than a moment. */
  trouble(now_ms: number): boolean {
    const failing = this.#failingSince_ms !== null && now_ms - this.#failingSince_ms > TROUBLE_MS
    return failing || !navigator.onLine
  }
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
