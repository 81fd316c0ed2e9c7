/**
 * The game's side of the client wasm: how it is loaded, what its JSON and its rows of integers
 * mean. Decides nothing; the rules are in the wasm.
 */

import { type Instance, instantiate, type Replica } from '#wasm/client'
import wasmUrl from '#wasm/client.wasm?url'

export type { Replica }

/** Lengths of the field, in units. */
export interface Measures {
  readonly tile: number
  readonly width: number
  readonly height: number
  /** Steps of a full turn. */
  readonly angles: number
  /** Numbers per row of sprites. */
  readonly stride: number
  /** The health of a figure that was never bitten. */
  readonly health: number
  /** How near a zombie must be to bite. */
  readonly reach: number
}

/** Where each number is in a row of sprites: as `contagion::sprite`. */
export const SPRITE = { kind: 0, id: 1, x: 2, y: 3, facing: 4, health: 5, flags: 6 } as const
/** What a row is. */
export const KIND = { player: 1, zombie: 2 } as const
/** Bits of a row's flags. */
export const FLAG = { walks: 1, bites: 2 } as const

/** How a match ended. */
export interface MatchEnd {
  match_id: number
  winner: 'survivors' | 'zombies'
  survivors: number
  players: number
  played_ms: number
}

/** What is shown beside the field. */
export interface Hud {
  phase: 'idle' | 'countdown' | 'playing' | 'over'
  /** Until the phase ends by itself, in milliseconds; 0 while idle. */
  ms_left: number
  match_id: number
  /** Figures on the field. */
  players: number
  /** Those that are not out. */
  alive: number
  zombies: number
  last: MatchEnd | null
}

/** The room, for people. */
export interface View {
  hud: Hud
  /** Our player's number; null before we are part of the room. */
  me: number | null
  here: { player: number; name: string | null }[]
}

/** What a replica tells once. */
export type Note =
  | { note: 'answer'; seq: number; code: number | null }
  | { note: 'reset' }
  | { note: 'evicted'; lost: number }
  | { note: 'desync' }
  | { note: 'reload' }

/** Why an action was not taken. */
export type RejectCode =
  /** Not yet part of the room. */
  | 'joining'
  /** Too many actions are without an answer. */
  | 'full'
  /** The rules of the game. */
  | 'not_playing'
  | 'out'
  | 'bad_angle'
  | 'server_only'
  | 'players_only'
  | 'no_figure'
  | 'malformed'
  /** The room forgot the device before the action arrived. */
  | 'evicted'
  /** The page let go of the room first: what became of the action is unknown. */
  | 'closed'
  /** It was answered so long ago that nobody knows how. */
  | 'old'
  /** A code that this page does not know. */
  | 'other'

/** What became of an action. */
export type Verdict = { accepted: true } | { accepted: false; code: RejectCode }

const RULES_CODES: Record<number, RejectCode> = {
  1: 'not_playing',
  2: 'out',
  3: 'bad_angle',
  4: 'server_only',
  5: 'players_only',
  6: 'no_figure',
  65280: 'malformed',
}

/** The verdict of an `answer` note. */
export function verdictOf(code: number | null): Verdict {
  if (code === null) return { accepted: false, code: 'old' }
  return code === 0 ? { accepted: true } : { accepted: false, code: RULES_CODES[code] ?? 'other' }
}

/** Why `Replica.steer` did not take an action, from what it returned. */
export function refusalOf(returned: number): Verdict {
  if (returned === -1) return { accepted: false, code: 'joining' }
  if (returned === -2) return { accepted: false, code: 'full' }
  return verdictOf(-1_000 - returned)
}

/** The compiled wasm, from which a new instance can be made after a trap. */
export class Game {
  readonly #module: WebAssembly.Module
  instance: Instance

  private constructor(module: WebAssembly.Module) {
    this.#module = module
    this.instance = instantiate(module)
  }

  /** Fetches and compiles. @throws if the file does not come or is no wasm */
  static async load(): Promise<Game> {
    return new Game(await WebAssembly.compileStreaming(fetch(wasmUrl)))
  }

  /** The old instance trapped: whatever it held must not be used again. */
  renew(): void {
    this.instance = instantiate(this.#module)
  }

  measures(): Measures {
    return JSON.parse(this.instance.measures()) as Measures
  }
}
