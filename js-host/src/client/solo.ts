/**
 * A match that somebody plays alone, on this page: shown and steered as a room is. Decides how time passes; must not know
 * what becomes of the run.
 */

import { type Result, type Run, refusalOf, type Verdict, type View } from './game'
import { type Drawn, type Look, Looker } from './look'

const TICK_MS = 100
/** A page that shows nothing for longer, in milliseconds, has stood still. */
const GAP_MS = 500

/** What a run needs. */
export interface SoloPorts {
  /** A new one, or one that goes on; of an instance for it alone. */
  readonly run: Run
  /** Time passed in it, and it is not over. */
  onStep?(): void
  onOver(end: SoloEnd): void
}

/** How a run has ended. */
export interface SoloEnd {
  readonly result: Result
  /** Who has turned is on the side that wins when nobody is left: to be rescued is something else. */
  readonly rescued: boolean
  /** Ticks that it took. */
  readonly tick: number
  /** What the player did. */
  readonly inputs: Uint8Array
}

/** A run that is being played. */
export class Solo {
  readonly name = 'alone'
  readonly status = 'live'
  readonly refusal = null
  readonly #ports: SoloPorts
  readonly #run: Run
  readonly #looker = new Looker()
  readonly #drawn: Drawn
  #seen_ms: number | null = null
  #into_ms = 0
  #over = false

  constructor(ports: SoloPorts) {
    this.#ports = ports
    this.#run = ports.run
    const { run } = ports
    this.#drawn = {
      predict: (now_ms) => this.#live(now_ms),
      fraction: () => (this.#over ? 0 : this.#into_ms / TICK_MS),
      tick: () => run.tick(),
      hud: () => run.hud(),
      sprites: () => run.sprites(),
      ahead: () => run.ahead(),
      map: () => run.map(),
      mapOf: () => run.mapOf(),
    }
  }

  look(now_ms: number): Look | null {
    return this.#looker.at(this.#drawn, now_ms)
  }

  steer(angle: number | null): Promise<Verdict> {
    return this.#act(this.#run.steer(angle ?? undefined))
  }

  strike(): Promise<Verdict> {
    return this.#act(this.#run.strike())
  }

  heal(): Promise<Verdict> {
    return this.#act(this.#run.heal())
  }

  lure(): Promise<Verdict> {
    return this.#act(this.#run.lure())
  }

  /** How far it is, and what was done until now. */
  get written(): Pick<SoloEnd, 'tick' | 'inputs'> {
    return { tick: this.#run.tick(), inputs: this.#run.inputs() }
  }

  // There is nobody who could answer, or disagree.
  pending = (): number => 0
  version = (): number => 0
  hash = (): string => ''
  history = (): [number, string][] => []
  device = (): string => ''
  report = (): null => null
  close = (): void => undefined

  #act(returned: number): Promise<Verdict> {
    this.#looker.corrected()
    return Promise.resolve(returned < 0 ? refusalOf(returned) : { accepted: true })
  }

  #live(now_ms: number): void {
    const passed_ms = Math.max(0, now_ms - (this.#seen_ms ?? now_ms))
    this.#seen_ms = now_ms
    if (passed_ms > GAP_MS || this.#over) return
    const before = this.#run.tick()
    for (this.#into_ms += passed_ms; this.#into_ms >= TICK_MS; this.#into_ms -= TICK_MS) this.#run.advance()
    if (!this.#run.isOver()) {
      if (this.#run.tick() > before) this.#ports.onStep?.()
      return
    }
    this.#over = true
    this.#into_ms = 0
    const result = JSON.parse(this.#run.result() ?? 'null') as Result
    const { hud } = JSON.parse(this.#run.hud()) as View
    this.#ports.onOver({ result, rescued: hud.last?.winner === 'survivors', ...this.written })
  }
}

/** A seed for a run that nobody pays. */
export function anySeed(): string {
  const [seed = 0n] = crypto.getRandomValues(new BigUint64Array(1))
  return String(seed)
}
