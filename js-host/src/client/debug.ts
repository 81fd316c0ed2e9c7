/**
 * `window.baton`: the page's debugging surface. Reads only; for tests, and for people with a
 * console open. Compare `history()` of two pages: the same version must have the same hash.
 */

import type { AccountState } from './account'
import { FLAG, ITEM, KIND, type Mine, SPRITE, type View } from './game'
import type { Look } from './look'
import type { Room, Status } from './room'
import type { Solo } from './solo'
import type { Spectator } from './spectator'

/** A player's figure. */
export interface Figure {
  player: number
  /** In units. */
  x: number
  y: number
  role: 'survivor' | 'turned'
  down: boolean
  health: number
  /** Milliseconds until it turns; 0 if it is not infected. */
  infection: number
}

/** Something that lies on the field. */
export interface Item {
  id: number
  what: keyof typeof ITEM
  x: number
  y: number
}

/** What a page tells of itself. */
export interface Debug {
  /** The name of the room. */
  readonly room: string
  /** The session's user id; empty for who only watches. */
  readonly user: string
  /** The newest version that was replayed. */
  version(): number
  /** The hash of that frame: of all history and the state. */
  hash(): string
  /** `[version, hash]` of the last thousand or so, oldest first. */
  history(): [number, string][]
  status(): Status
  hud(): View | null
  /** The predicted tick: `tick() + hud().ms_left / 100` is when the phase ends, the same for everybody. */
  tick(): number
  /** Things on the field. */
  sprites(): number
  /** Id and place of each zombie, in units, as predicted. */
  zombies(): [number, number, number][]
  /** Our place in the field, in units, as it is predicted; null without a figure. */
  place(): { x: number; y: number } | null
  /** Our figure as the page shows it; null for a spectator. */
  mine(): Mine | null
  /** Everybody's figures, as predicted. */
  figures(): Figure[]
  /** What lies on the field, as predicted. */
  items(): Item[]
  /** The lines of the feed that are shown now. */
  feed(): string[]
  /** Actions without an answer. */
  pending(): number
  /** The device's id; empty for who only watches. */
  device(): string
  /** Frames drawn since the page began. */
  drawn(): number
  /** The account; null as long as there is none. */
  account(): (AccountState & { version: number; hash: string }) | null
}

declare global {
  interface Window {
    baton?: Debug
  }
}

/** Shows a room in the console. */
export function expose(
  room: Room | Solo | Spectator,
  user: string,
  stride: number,
  shown: Pick<Debug, 'drawn' | 'feed' | 'account'>,
): void {
  const look = () => room.look(performance.now())
  window.baton = Object.freeze({
    room: room.name,
    user,
    version: () => room.version(),
    hash: () => room.hash(),
    history: () => room.history(),
    status: () => room.status,
    hud: () => look()?.view ?? null,
    tick: () => look()?.tick ?? 0,
    sprites: () => (look()?.rows.length ?? 0) / stride,
    zombies: () =>
      rowsOf(look(), KIND.zombie, stride).map((row): [number, number, number] => [
        at(row, 'id'),
        at(row, 'x'),
        at(row, 'y'),
      ]),
    place: () => {
      const now = look()
      const mine = rowsOf(now, KIND.player, stride).find((row) => at(row, 'id') === now?.view?.me)
      return mine ? { x: at(mine, 'x'), y: at(mine, 'y') } : null
    },
    mine: () => look()?.view?.mine ?? null,
    figures: () => rowsOf(look(), KIND.player, stride).map(figureOf),
    items: () => rowsOf(look(), KIND.item, stride).map(itemOf),
    pending: () => room.pending(),
    device: () => room.device(),
    ...shown,
  })
}

function rowsOf(look: Look | null, kind: number, stride: number): Int32Array[] {
  const rows = look?.rows ?? new Int32Array()
  const found: Int32Array[] = []
  for (let row = 0; row < rows.length; row += stride) {
    if (rows[row + SPRITE.kind] === kind) found.push(rows.subarray(row, row + stride))
  }
  return found
}

function at(row: Int32Array, what: keyof typeof SPRITE): number {
  return row[SPRITE[what]] ?? 0
}

function figureOf(row: Int32Array): Figure {
  const has = (flag: number) => (at(row, 'flags') & flag) !== 0
  return {
    player: at(row, 'id'),
    ...{ x: at(row, 'x'), y: at(row, 'y') },
    role: has(FLAG.turned) ? 'turned' : 'survivor',
    down: has(FLAG.down),
    health: at(row, 'health'),
    infection: at(row, 'extra'),
  }
}

function itemOf(row: Int32Array): Item {
  const names = Object.keys(ITEM) as Item['what'][]
  const what = names.find((name) => ITEM[name] === at(row, 'extra')) ?? 'medkit'
  return { id: at(row, 'id'), what, x: at(row, 'x'), y: at(row, 'y') }
}
