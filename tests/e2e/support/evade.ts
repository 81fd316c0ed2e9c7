/**
 * A player who stays alive: looks a little ahead in each direction, and takes the one that keeps the
 * zombies farthest away. Decides where to walk; must not know how walking is done. Its weights were
 * found by trial: alone it outlives three minutes of the real match in most tries.
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

/** The angles, of 32, in which one may walk, the best first. */
export function evade(me: { x: number; y: number }, zombies: [number, number, number][]): number[] {
  const worth = new Map(DIRECTIONS.map((angle) => [angle, worthOf(me, angle, zombies)]))
  return DIRECTIONS.toSorted((one, other) => (worth.get(other) ?? 0) - (worth.get(one) ?? 0))
}

function worthOf(me: { x: number; y: number }, angle: number, zombies: [number, number, number][]): number {
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
