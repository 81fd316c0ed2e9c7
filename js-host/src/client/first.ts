/**
 * The first screen: what the game is, how the room is now, and a button. Decides what is told of a
 * room that nobody has joined yet; must not know the game's code, which is loaded behind it.
 */

/** How often the room is asked about, in milliseconds; after a failure, seldom. */
const [ASK_MS, FAILED_MS] = [5_000, 20_000]
/** The clock goes on by itself in between. */
const CLOCK_MS = 500
/** A host that takes longer than this does not answer, in milliseconds. */
const TIMEOUT_MS = 8_000
/** The game is loaded behind the screen after so long, in milliseconds, if the browser is not idle before. */
const QUIET_MS = 1_500

/** What the screen tells of a room. */
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

/** The screen before the game. */
export class FirstScreen {
  readonly #room: string
  readonly #part: <T extends HTMLElement>(id: string) => T
  #glance: Glance | null = null
  #glanced_ms = 0
  #ask: ReturnType<typeof setTimeout> | undefined
  #clock: ReturnType<typeof setInterval> | undefined

  constructor(room: string, part: <T extends HTMLElement>(id: string) => T) {
    this.#room = room
    this.#part = part
    part('first-room').textContent = room
  }

  /** Shows it until somebody wants to play. */
  open(play: () => Promise<void>): void {
    this.#part('how').addEventListener('click', () => this.#part<HTMLDialogElement>('help').showModal())
    const button = this.#part<HTMLButtonElement>('play')
    button.addEventListener('click', () => {
      this.close()
      keepPlaying()
      void play()
    })
    // Disabled until now: a tap would have been lost.
    button.disabled = false
    this.#clock = setInterval(() => this.#glanced_ms > 0 && this.#show(), CLOCK_MS)
    void this.#look()
    const quietly = globalThis.requestIdleCallback ?? ((work: () => void) => setTimeout(work, QUIET_MS))
    // What fails here is tried again, and told, when somebody wants to play.
    quietly(() => import('./play').then(({ prepare }) => prepare()).catch(() => undefined), { timeout: QUIET_MS })
  }

  /** Asks no more. */
  close(): void {
    clearTimeout(this.#ask)
    clearInterval(this.#clock)
    this.#clock = undefined
  }

  /** How far the game is loaded. */
  readonly progress = (step: number, text: string): void => {
    this.#part('loading').hidden = false
    this.#part('loading-text').textContent = text
    this.#part<HTMLProgressElement>('progress').value = step
    this.#part<HTMLButtonElement>('play').disabled = true
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

/** A reload goes on with the game, not with this screen. */
function keepPlaying(): void {
  const url = new URL(location.href)
  url.searchParams.set('play', '')
  try {
    history.replaceState(null, '', url)
  } catch {
    // Not allowed in this frame: a reload asks again.
  }
}
