/**
 * A player who stays alive in the open: looks a little ahead in each direction, and takes the one that
 * keeps the zombies farthest away and comes nearest to what it wants. Decides where to walk; must not
 * know how walking is done. Its weights were found by trial.
 */

/** Units: of a tile, a field of 96 × 64 of them, and how far one walks in a second. */
const TILE = 256
const [WIDTH, HEIGHT] = [96 * TILE, 64 * TILE]
const PACE = 960
const ZOMBIE_PACE = 450
/** Seconds that are looked ahead. */
const AHEAD = [0.3, 0.6, 1, 1.5, 2.2, 3]
/** Of 32 angles. Keys give eight. */
const DIRECTIONS = [0, 4, 8, 12, 16, 20, 24, 28]

interface Place {
  x: number
  y: number
}

/** The angles, of 32, in which one may walk, the best first. */
export function evade(me: Place, zombies: [number, number, number][], goal?: Place): number[] {
  const worth = new Map(DIRECTIONS.map((angle) => [angle, worthOf(me, angle, zombies) + nearer(me, angle, goal)]))
  return DIRECTIONS.toSorted((one, other) => (worth.get(other) ?? 0) - (worth.get(one) ?? 0))
}

/** What a step towards a goal is worth: as much as a few zombies at some distance. */
function nearer(me: Place, angle: number, goal: Place | undefined): number {
  if (!goal) return 0
  const way = Math.atan2(goal.y - me.y, goal.x - me.x) - (angle * Math.PI) / 16
  return 0.25 * Math.cos(way)
}

function worthOf(me: Place, angle: number, zombies: [number, number, number][]): number {
  const [cos, sin] = [Math.cos((angle * Math.PI) / 16), Math.sin((angle * Math.PI) / 16)]
  let worth = 0
  for (const seconds of AHEAD) {
    const x = Math.min(Math.max(me.x + cos * PACE * seconds, TILE), WIDTH - TILE)
    const y = Math.min(Math.max(me.y + sin * PACE * seconds, TILE), HEIGHT - TILE)
    for (const [, zx, zy] of zombies) {
      const gap = Math.hypot(zx - x, zy - y) - ZOMBIE_PACE * seconds
      const tiles = Math.max(gap / TILE, -1)
      worth -= 1 / (2.5 + tiles) ** 3 / seconds ** 1.5
    }
    // Room to turn: the edge is where zombies come from, and where one is cornered.
    const edge = Math.min(x, WIDTH - x, y, HEIGHT - y) / TILE
    worth -= 0.3 / (0.5 + edge / 8)
  }
  return worth
}
