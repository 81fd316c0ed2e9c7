/** The match that all benches play. Decides nothing else. */

/** Zombies on its field. */
export const ZOMBIES = 200

/** The match of the benches: it begins at once, and has all its zombies from the start. */
export const MATCH = {
  countdown_ms: 100,
  play_ms: 3_600_000,
  over_ms: 10_000,
  zombies_at_start: ZOMBIES,
  spawns_per_minute: 0,
  spawns_per_minute_and_player: 0,
  spawn_growth_percent: 0,
}
