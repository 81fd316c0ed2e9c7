/**
 * The last few things that happened, for a few seconds each. Decides what is new: an event is told
 * once, though a corrected prediction may tell it in other words or take it back. Must not know how
 * it looks.
 */

import type { Told, View } from '../game'
import { nameOf, namesOf, toldOf } from './words'

/** How long a line stays, in milliseconds. */
const STAYS_MS = 6_000
/** Lines at once, at most. */
const MOST = 5

/** A line of the feed. */
export interface Line {
  /** The same line for as long as it stays. */
  readonly key: string
  readonly what: Told['what'] | 'joined' | 'left'
  /** Of the room's events: which. */
  readonly event: { match: number; seq: number } | null
  text: string
  /** Whether it is about us. */
  readonly mine: boolean
  readonly since_ms: number
}

/** What is told beside the field. */
export class Feed {
  #lines: Line[] = []
  #match: number | null = null
  /** The newest event of the match that was told, or was there before we came. */
  #told = 0
  #here: Map<number, string> | null = null

  /** Takes in what the room tells now. */
  hear(view: View, now_ms: number): void {
    const { feed, match_id } = view.hud
    const newest = feed.at(-1)?.seq ?? 0
    if (this.#match === null) this.#told = newest
    else if (this.#match !== match_id) this.#told = 0
    this.#match = match_id
    const names = this.#people(view, now_ms)
    this.#lines = this.#lines.filter(({ event }) => event?.match !== match_id || event.seq <= newest)
    for (const line of this.#lines) {
      const told = line.event?.match === match_id && feed.find(({ seq }) => seq === line.event?.seq)
      if (told) line.text = this.#text(told, view, names)
    }
    for (const told of feed) {
      if (told.seq <= this.#told) continue
      const mine = told.who === view.me || told.by === view.me
      const text = this.#text(told, view, names)
      const event = { match: match_id, seq: told.seq }
      this.#lines.push({ key: `${match_id}/${told.seq}`, what: told.what, event, text, mine, since_ms: now_ms })
    }
    this.#told = newest
    this.#forget(now_ms)
  }

  /** Oldest first. */
  lines(now_ms: number): readonly Line[] {
    this.#forget(now_ms)
    return this.#lines
  }

  #forget(now_ms: number): void {
    this.#lines = this.#lines.filter(({ since_ms }) => now_ms - since_ms < STAYS_MS).slice(-MOST)
  }

  #text(told: Told, { me }: View, names: ReadonlyMap<number, string>): string {
    return toldOf(told, me, (player) => nameOf(names, player))
  }

  /** Tells who came and went; returns everybody's names, the last known one of who left included. */
  #people(view: View, now_ms: number): Map<number, string> {
    const now = namesOf(view)
    const before = this.#here
    this.#here = now
    if (!before) return now
    const tell = (what: 'joined' | 'left', [player, name]: [number, string]) => {
      if (player === view.me) return
      const key = `${what}/${player}/${now_ms}`
      this.#lines.push({ key, what, event: null, text: `${name} ${what}`, mine: false, since_ms: now_ms })
    }
    for (const entry of now) if (!before.has(entry[0])) tell('joined', entry)
    for (const entry of before) if (!now.has(entry[0])) tell('left', entry)
    return new Map([...before, ...now])
  }
}
