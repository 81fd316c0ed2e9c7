/**
 * How much one process takes on. Where a store is slow, who would wait for longer than a client does is told so at once,
 * rather than served after it gave up and asked again: that work would be done twice. Where the process is, requests wait in
 * their sockets, unread. Only for hosts whose requests always come to an end; a platform that stops them has limits of its own.
 */

import type { Outcome } from './effect'
import { refusal } from './errors'

/** Requests to rooms that one process has in hand, at most: with a core of its own, some seconds of work. */
export const MAX_AT_ONCE = 2_048

/** What is in hand. */
export class AtOnce {
  #count = 0
  readonly #most: number

  constructor(most = MAX_AT_ONCE) {
    this.#most = most
  }

  get count(): number {
    return this.#count
  }

  /** Does the work, or none of it: then the answer is `busy`. */
  async ask(work: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#count >= this.#most) return refusal('busy')
    this.#count += 1
    try {
      return await work()
    } finally {
      this.#count -= 1
    }
  }
}
