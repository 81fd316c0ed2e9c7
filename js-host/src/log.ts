/** Logs of one JSON line each. Never given tokens, keys, bodies, queries or user ids. */

/** What a line may hold. */
export type Fields = Record<string, string | number | boolean>

/** How grave a line is. */
export type Level = 'info' | 'warn' | 'error'

/** Writes a line. `event` is a stable word; texts are cut at 300 characters. */
export function log(level: Level, event: string, fields: Fields = {}): void {
  const short = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' && value.length > 300 ? `${value.slice(0, 300)}…` : value,
  ])
  const line = JSON.stringify({ at: new Date().toISOString(), level, event, ...Object.fromEntries(short) })
  console[level](line)
}
