/**
 * The game's side of the client wasm: how it is loaded, what its JSON and its rows of integers
 * mean. Decides nothing; the rules are in the wasm.
 */

import { type AccountReplica, type Instance, instantiate, type Replica, type Run } from '#wasm/client'
import wasmUrl from '#wasm/client.wasm?url'

export type { AccountReplica, Instance, Replica, Run }

/** The rules' measures: lengths in units, times in milliseconds. */
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
  readonly strike_reach: number
  readonly shot_reach: number
  readonly heal_reach: number
  /** From a bite to turning. */
  readonly infection_ms: number
  /** From a strike to the next. */
  readonly cooldown_ms: number
  /** How long a lure makes noise. */
  readonly lure_ms: number
  /** How long a struck down zombie player lies. */
  readonly down_ms: number
  readonly max_medkits: number
  readonly max_ammunition: number
  readonly max_lures: number
}

/** Where each number is in a row of sprites: as `contagion::sprite`. */
export const SPRITE = { kind: 0, id: 1, x: 2, y: 3, facing: 4, health: 5, flags: 6, extra: 7, shot: 8 } as const
/** What a row is. */
export const KIND = { player: 1, zombie: 2, item: 3, lure: 4 } as const
/** Bits of a row's flags. */
export const FLAG = { walks: 1, bites: 2, strikes: 4, shoots: 8, turned: 16, down: 32 } as const
/** What an item is: its row's `extra`. */
export const ITEM = { medkit: 1, ammunition: 2, lure: 3 } as const
/** Bytes of `map()`. */
export const TERRAIN = { grass: 0, street: 1, floor: 2, door: 3, wall: 4, tree: 5 } as const
/** Terrain from here on lets nobody through. */
export const SOLID = 4

/** How a match ended. */
export interface MatchEnd {
  match_id: number
  winner: 'survivors' | 'contagion'
  survivors: number
  players: number
  played_ms: number
}

/** A player's part in the match. */
export interface Score {
  player: number
  /** Points. */
  score: number
  role: 'survivor' | 'infected' | 'turned'
  /** Whether the player has left. */
  away: boolean
  survived_ms: number
  struck: number
  cures: number
  infected: number
}

/** Something that happened in the match. */
export interface Told {
  /** Rises by one, from 1, per match. */
  seq: number
  what: 'bitten' | 'turned' | 'cured' | 'felled'
  who: number
  /** The player who did it; null: a zombie, or nobody. */
  by: number | null
}

/** What is shown beside the field. */
export interface Hud {
  phase: 'idle' | 'countdown' | 'playing' | 'over'
  /** Until the phase ends by itself, in milliseconds; 0 while idle. */
  ms_left: number
  match_id: number
  /** Figures on the field that have not turned; infected ones are among them. */
  survivors: number
  infected: number
  turned: number
  zombies: number
  /** Figures on the field. */
  players: number
  last: MatchEnd | null
  /** Best first: everybody whom the match knows. */
  scores: Score[]
  /** The last few events, oldest first. */
  feed: Told[]
}

/** What was achieved in one mode of play. */
export interface Stats {
  readonly played: number
  readonly won: number
  readonly best: number
  readonly survived_ms: number
  readonly struck: number
  readonly cures: number
  readonly infected: number
}

/** What a game was worth to somebody: as `contagion::MatchResult`. */
export interface Result {
  readonly won: boolean
  readonly score: number
  readonly survived_ms: number
  readonly struck: number
  readonly cures: number
}

/** Our own figure. */
export interface Mine {
  role: 'survivor' | 'turned'
  health: number
  /** Until we turn; 0 if not infected. */
  infection_ms: number
  ammunition: number
  medkits: number
  lures: number
  /** Until the next strike. */
  cooldown_ms: number
  /** Until we rise; 0 if we stand. */
  down_ms: number
  score: number
}

/** The room, for people. */
export interface View {
  hud: Hud
  /** Our player's number; null before we are part of the room. */
  me: number | null
  /** Null without a figure: we watch. */
  mine: Mine | null
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
  /** The figure lies on the ground. */
  | 'down'
  | 'bad_angle'
  | 'server_only'
  | 'players_only'
  | 'no_figure'
  /** The last strike was a moment ago. */
  | 'cooling'
  /** Nothing of it is carried. */
  | 'empty'
  /** Nobody needs a medkit. */
  | 'no_use'
  /** Zombies cannot do that. */
  | 'turned'
  | 'malformed'
  | 'outdated'
  /** The rules broke on it. */
  | 'faulted'
  /** The room forgot the device: the action never arrived, or its answer did not. */
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
  2: 'down',
  3: 'bad_angle',
  4: 'server_only',
  5: 'players_only',
  6: 'no_figure',
  7: 'cooling',
  8: 'empty',
  9: 'no_use',
  10: 'turned',
  65280: 'malformed',
  65281: 'faulted',
  65282: 'outdated',
}

/** The verdict of an `answer` note. */
export function verdictOf(code: number | null): Verdict {
  if (code === null) return { accepted: false, code: 'old' }
  return code === 0 ? { accepted: true } : { accepted: false, code: RULES_CODES[code] ?? 'other' }
}

/** Why the replica did not take an action, from what `steer`, `strike`, `heal` or `lure` returned. */
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

  /** An instance of its own, which a trap in the others does not touch. */
  another(): Instance {
    return instantiate(this.#module)
  }

  measures(): Measures {
    return JSON.parse(this.instance.measures()) as Measures
  }
}
