/**
 * `window.baton`: the page's debugging surface. Reads only; for tests, and for people with a
 * console open. Compare `history()` of two pages: the same version must have the same hash.
 */

import { KIND, SPRITE, type View } from './game'
import type { Look, Room, Status } from './room'

/** What a page tells of itself. */
export interface Debug {
  /** The name of the room. */
  readonly room: string
  /** The session's user id. */
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
  /** Actions without an answer. */
  pending(): number
  /** The device's id. */
  device(): string
  /** Frames drawn since the page began. */
  drawn(): number
}

declare global {
  interface Window {
    baton?: Debug
  }
}

/** Shows a room in the console. */
export function expose(room: Room, user: string, stride: number, drawn: () => number): void {
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
    zombies: () => rowsOf(look(), KIND.zombie, stride),
    place: () => {
      const now = look()
      const mine = rowsOf(now, KIND.player, stride).find(([id]) => id === now?.view?.me)
      return mine ? { x: mine[1], y: mine[2] } : null
    },
    pending: () => room.pending(),
    device: () => room.device(),
    drawn,
  })
}

function rowsOf(look: Look | null, kind: number, stride: number): [number, number, number][] {
  const found: [number, number, number][] = []
  const rows = look?.rows ?? new Int32Array()
  for (let row = 0; row < rows.length; row += stride) {
    if (rows[row + SPRITE.kind] !== kind) continue
    found.push([rows[row + SPRITE.id] ?? 0, rows[row + SPRITE.x] ?? 0, rows[row + SPRITE.y] ?? 0])
  }
  return found
}
