/** One engine that is alone with a log: what it makes of it. Must not know who wrote the log. */

import type { Hud, View } from '../../../js-host/src/client/game'
import { clientWasm } from './bot'
import type { Logged } from './room-log'

/** What a log comes to. */
export interface Replayed {
  /** What is shown after each frame; null before the room has rules. */
  huds: (Hud | null)[]
  /** Whether that is not what was committed. */
  broken: boolean
}

/** Replays a log from its first frame; the state is compared at each. */
export function replayed(frames: Logged[]): Replayed {
  const wasm = clientWasm()
  const replica = new wasm.Replica('nobody', wasm.newDevice())
  const huds = frames.map(({ stored }) => {
    replica.frame(stored, 0)
    return (JSON.parse(replica.hud() ?? 'null') as View | null)?.hud ?? null
  })
  return { huds, broken: replica.desync() !== undefined || replica.version() !== frames.length }
}

/** How many zombies there were at most. */
export const mostZombies = ({ huds }: Replayed): number => Math.max(...huds.map((hud) => hud?.zombies ?? 0))
