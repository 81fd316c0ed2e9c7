/**
 * A room seen from outside: how it is now, and the clock that goes on in between. Decides what is told of a room that this
 * page has not joined, and how often it is asked; must not know the game's code, nor what else is on the screen.
 */

/** How often the room is asked about, in milliseconds; after a failure, seldom. */
const [ASK_MS, FAILED_MS] = [5_000, 20_000]
/** The clock goes on by itself in between. */
const CLOCK_MS = 500
/** A host that takes longer than this does not answer, in milliseconds. */
const TIMEOUT_MS = 8_000

/** An element of the page by its id, which must be there. */
export type Part = <T extends HTMLElement = HTMLElement>(id: string) => T

/** What is told of a room. */
export interface Glance {
  phase: 'idle' | 'countdown' | 'playing' | 'over'
  ms_left: number
  survivors: number
  zombies: number
  here: number
}

const PHASES: Record<Glance['phase'], string> = {
  idle: 'Waiting for players',
  countdown: 'The match starts in',
  playing: 'Rescue comes in',
  over: 'The next match comes in',
}

/** Reads a room's public JSON; null if it is of something else. */
export function glanceOf(json: unknown): Glance | null {
  const { game, present } = fields(json)
  const { phase, ms_left, survivors, zombies } = fields(game)
  if (typeof phase !== 'string' || !Object.hasOwn(PHASES, phase)) return null
  const numbers = [ms_left, survivors, zombies].map((value) => (typeof value === 'number' ? value : 0))
  const [left = 0, alive = 0, dead = 0] = numbers
  const here = Array.isArray(present) ? present.length : 0
  return { phase: phase as Glance['phase'], ms_left: left, survivors: alive, zombies: dead, here }
}

/** What is written of a room; null: nobody was there yet. */
export function wordsOf(glance: Glance | null, waited_ms: number): [phase: string, time: string, ...numbers: string[]] {
  if (!glance) return ['Nobody is here yet. Be the first!', '', '0', '0', '0']
  const seconds = Math.ceil(Math.max(0, glance.ms_left - waited_ms) / 1_000)
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const numbers = [glance.survivors, glance.zombies, glance.here].map(String)
  // A room that nobody asks stands still: without anybody there is nothing to wait for.
  if (glance.phase === 'idle' || glance.here === 0) return [PHASES.idle, '', ...numbers]
  return [PHASES[glance.phase], time, ...numbers]
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** The room's numbers on the screen, in the parts `live-…`. */
export class Outlook {
  readonly #room: string
  readonly #part: Part
  #glance: Glance | null = null
  #glanced_ms = 0
  #ask: ReturnType<typeof setTimeout> | undefined
  #clock: ReturnType<typeof setInterval> | undefined

  constructor(room: string, part: Part) {
    this.#room = room
    this.#part = part
  }

  /** Asks from now on. */
  open(): void {
    this.#clock = setInterval(() => this.#glanced_ms > 0 && this.#show(), CLOCK_MS)
    void this.#look()
  }

  /** Asks no more. */
  close(): void {
    clearTimeout(this.#ask)
    clearInterval(this.#clock)
    this.#clock = undefined
  }

  async #look(): Promise<void> {
    const asked = document.hidden ? false : await this.#glanceNow()
    if (this.#clock === undefined) return
    if (asked) this.#show()
    else if (this.#glanced_ms === 0 && !document.hidden) this.#say('The room does not answer yet.')
    this.#ask = setTimeout(() => void this.#look(), asked || document.hidden ? ASK_MS : FAILED_MS)
  }

  /** Whether the room, or the host in its stead, has answered. */
  async #glanceNow(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(`api/rooms/contagion/${this.#room}/view`, { signal })
      if (!response.ok && response.status !== 404) return false
      this.#glance = response.ok ? glanceOf(await response.json()) : null
      this.#glanced_ms = performance.now()
      return true
    } catch {
      return false
    }
  }

  #show(): void {
    const [phase, time, survivors, zombies, here] = wordsOf(this.#glance, performance.now() - this.#glanced_ms)
    this.#say(phase)
    this.#put('live-time', time)
    this.#put('live-survivors', survivors)
    this.#put('live-zombies', zombies)
    this.#put('live-here', here)
  }

  #say(phase: string): void {
    this.#put('live-phase', phase)
  }

  #put(id: string, text = ''): void {
    const element = this.#part(id)
    if (element.textContent !== text) element.textContent = text
  }
}
