/**
 * `window.baton`: the page's debugging surface. Reads only; for tests, and for people with a
 * console open. Compare `history()` of two pages: the same version must have the same hash.
 */

import { KIND, SPRITE, type View } from './game'
import type { Room, Status } from './room'

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
  /** Things on the field. */
  sprites(): number
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
    sprites: () => (look()?.rows.length ?? 0) / stride,
    place: () => {
      const { rows = new Int32Array(), view } = look() ?? {}
      for (let row = 0; row < rows.length; row += stride) {
        if (rows[row + SPRITE.kind] !== KIND.player || rows[row + SPRITE.id] !== view?.me) continue
        return { x: rows[row + SPRITE.x] ?? 0, y: rows[row + SPRITE.y] ?? 0 }
      }
      return null
    },
    pending: () => room.pending(),
    device: () => room.device(),
    drawn,
  })
}
