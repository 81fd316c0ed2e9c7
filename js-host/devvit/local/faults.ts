/**
 * What can go wrong on a local Devvit, and how often. Decides by dice which trouble meets a call; must not know what a
 * call does. A probability is a number from 0 (never) to 1 (always); with the defaults nothing goes wrong.
 */

import { setTimeout as pause } from 'node:timers/promises'

export interface Faults {
  /** How long each call takes more than it does, in milliseconds: half before it is done, half after. */
  delay_ms: number
  /** Up to how much more than that, drawn for each call, in milliseconds. */
  jitter_ms: number
  /** Probability that a read is answered as this process saw it before, as a replica that lags would. */
  stale: number
  /** How old such an answer may be, in milliseconds; the oldest that is known is given. */
  stale_ms: number
  /** `get`: only plain `get` and `getBuffer`, of which the platform says it. `all`: every read outside a transaction. */
  stale_reads: 'get' | 'all'
  /** Probability that a call is refused: it rejects and nothing was done. */
  refuse: number
  /** Probability that a call is done and rejects all the same. */
  lose: number
  /** Probability that a write rejects at once and is done `late_ms` later. */
  late: number
  /** How much later a late write is done, in milliseconds. */
  late_ms: number
  /** Probability that the process kills itself before a call is done. */
  kill_before: number
  /** Probability that the process kills itself after a call was done, before its answer is used. */
  kill_after: number
  /** Probability that a realtime message reaches nobody. */
  drop_message: number
  /** Probability that a realtime message is delivered twice. */
  duplicate_message: number
  /** Probability that a realtime message is held back until the next one, or for a fifth of a second. */
  reorder_message: number
  /** Probability that the scheduler delivers a task twice. */
  duplicate_tick: number
  /** Only calls of these names meet trouble, as in `HSetNX` or `Send`; empty: all. Messages and ticks are no calls. */
  only: string[]
}

export const NO_FAULTS: Faults = {
  delay_ms: 0,
  jitter_ms: 0,
  stale: 0,
  stale_ms: 1_000,
  stale_reads: 'get',
  refuse: 0,
  lose: 0,
  late: 0,
  late_ms: 1_000,
  kill_before: 0,
  kill_after: 0,
  drop_message: 0,
  duplicate_message: 0,
  reorder_message: 0,
  duplicate_tick: 0,
  only: [],
}

/** Of refused, lost and late calls alike: an app must not be able to tell them apart. */
export const LOST = '4 DEADLINE_EXCEEDED: no answer'

/** How many reads, and how many answers to each, are kept to be served again. */
const KEPT_READS = 1_000
const KEPT_ANSWERS = 16

/** What came from outside as faults. @throws TypeError naming the field that is wrong; nothing has changed */
export function parseFaults(from: unknown): Partial<Faults> {
  if (typeof from !== 'object' || from === null) throw new TypeError('faults: not an object')
  for (const [name, value] of Object.entries(from)) {
    if (!Object.hasOwn(NO_FAULTS, name)) throw new TypeError(`faults: there is no ${name}`)
    if (!valid(name, value)) throw new TypeError(`faults: ${name} cannot be ${JSON.stringify(value)}`)
  }
  return from
}

function valid(name: string, value: unknown): boolean {
  if (name === 'stale_reads') return value === 'get' || value === 'all'
  if (name === 'only') return Array.isArray(value) && value.every((each) => typeof each === 'string')
  const most = name.endsWith('_ms') ? Number.MAX_SAFE_INTEGER : 1
  return typeof value === 'number' && value >= 0 && value <= most
}

/** A call, as far as its trouble depends on it. */
export interface Call {
  name: string
  write: boolean
  /** Names the question of a read, for which an older answer will do; absent if none will. */
  question?: string | undefined
}

/** Meets calls with trouble. */
export class Trouble {
  readonly faults: Faults
  readonly #answers = new Map<string, { at_ms: number; answer: unknown }[]>()

  constructor(faults: Partial<Faults> = {}) {
    this.faults = { ...NO_FAULTS, ...faults }
  }

  change(faults: Partial<Faults>): void {
    Object.assign(this.faults, faults)
  }

  happens(probability: number): boolean {
    return probability > 0 && Math.random() < probability
  }

  /** Does the work of a call, or not, or later. */
  async meet<T>(call: Call, work: () => Promise<T>): Promise<T> {
    const { only, delay_ms, jitter_ms, late_ms, ...chances } = this.faults
    if (only.length > 0 && !only.includes(call.name)) return this.#keep(call, await work())
    const took_ms = delay_ms + Math.random() * jitter_ms
    if (this.happens(chances.kill_before)) await die()
    if (took_ms > 0) await pause(took_ms / 2)
    if (this.happens(chances.refuse)) throw new Error(LOST)
    if (call.write && this.happens(chances.late)) {
      // Nobody is left to hear how it went.
      setTimeout(() => work().catch(() => {}), late_ms)
      throw new Error(LOST)
    }
    const older = this.happens(chances.stale) ? this.#older<T>(call) : undefined
    const answer = older ? older.answer : this.#keep(call, await work())
    if (this.happens(chances.kill_after)) await die()
    if (took_ms > 0) await pause(took_ms / 2)
    if (this.happens(chances.lose)) throw new Error(LOST)
    return answer
  }

  #keep<T>({ question }: Call, answer: T): T {
    if (question === undefined) return answer
    const answers = this.#answers.get(question) ?? []
    answers.push({ at_ms: Date.now(), answer })
    if (answers.length > KEPT_ANSWERS) answers.shift()
    // Asked last, so that what nobody asks any more is forgotten first.
    this.#answers.delete(question)
    this.#answers.set(question, answers)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > KEPT_READS && oldest !== undefined) this.#answers.delete(oldest)
    return answer
  }

  #older<T>({ name, question }: Call): { answer: T } | undefined {
    const plain = name === 'Get' || name === 'GetBytes'
    if (question === undefined || (!plain && this.faults.stale_reads === 'get')) return undefined
    const since_ms = Date.now() - this.faults.stale_ms
    return this.#answers.get(question)?.find(({ at_ms }) => at_ms >= since_ms) as { answer: T } | undefined
  }
}

/** Does not return. */
async function die(): Promise<void> {
  process.kill(process.pid, 'SIGKILL')
  await pause(60_000)
}
