/**
 * What of a look is heard. Decides from two looks what happened between them, and how loud it is
 * for us; must not know how anything sounds.
 */

import { FLAG, KIND, SPRITE, type View } from './game'
import type { Look } from './look'

/** Everything that has a sound. */
export type SoundName =
  | 'swing'
  | 'hit'
  | 'shot'
  | 'bite'
  | 'bitten'
  | 'infected'
  | 'heartbeat'
  | 'cured'
  | 'taken'
  | 'lure'
  | 'tick'
  | 'begin'
  | 'rescue'
  | 'loss'
  | 'turned'

/** A sound, and how loud it is, 0 to 1. */
export interface Heard {
  readonly sound: SoundName
  readonly loudness: number
}

/** The length of a row: its last number and one. */
const STRIDE = SPRITE.shot + 1
/** At this distance, in units, a sound is half as loud; from the other one on it is not heard. */
const HALF_UNITS = 1_600
const SILENT_UNITS = 6_000
/** A strike that fells a zombie within this distance, in units, hit it. */
const HIT_UNITS = 560
/** The same sound of the same figure does not come again within so many ticks: a correction repeats it. */
const AGAIN_TICKS = 4
/** After a longer pause than this, in ticks, what happened meanwhile is not heard all at once. */
const LATE_TICKS = 20
/** The heart is heard from here on, in milliseconds before we turn, and beats faster and faster. */
const HEART_MS = 6_000
const [FIRST_BEAT_MS, LAST_BEAT_MS] = [900, 330]
/** The last seconds of a countdown that are heard. */
const TICKS_S = 3
const TICK_MS = 100

/** Listens at our figure's place. */
export class Ear {
  /** At which tick each figure's sound was heard. */
  readonly #heard = new Map<string, number>()
  readonly #before = new Map<number, number>()
  #beat_ms = Number.NEGATIVE_INFINITY
  #out: Heard[] = []

  /** What is heard between two looks, the loudest first. */
  hear(before: Look | null, now: Look): Heard[] {
    this.#out = []
    const was = before?.view
    const is = now.view
    if (!before || !was || !is) return this.#out
    this.#phases(was, is)
    if (was.hud.match_id !== is.hud.match_id) this.#heard.clear()
    else if (now.tick - before.tick <= LATE_TICKS && is.hud.phase === 'playing') this.#field(before, now, was, is)
    return this.#out.sort((one, other) => other.loudness - one.loudness)
  }

  #phases({ hud: was }: View, { hud: is }: View): void {
    const [from, to] = [Math.ceil(was.ms_left / 1_000), Math.ceil(is.ms_left / 1_000)]
    if (is.phase === 'countdown' && was.phase === 'countdown' && to < from && to <= TICKS_S && to > 0) this.#say('tick')
    if (is.phase === was.phase) return
    if (is.phase === 'playing') this.#say('begin')
    if (is.phase === 'over' && is.last) this.#say(is.last.winner === 'survivors' ? 'rescue' : 'loss')
  }

  #field(before: Look, now: Look, was: View, is: View): void {
    const { rows, tick } = now
    this.#before.clear()
    for (let row = 0; row < before.rows.length; row += STRIDE) this.#before.set(keyOf(before.rows, row), row)
    let own: number | null = null
    for (let row = 0; row < rows.length && own === null; row += STRIDE) {
      if (rows[row + SPRITE.kind] === KIND.player && rows[row + SPRITE.id] === is.me) own = row
    }
    const strikes: number[] = []
    for (let row = 0; row < rows.length; row += STRIDE) {
      const old = this.#before.get(keyOf(rows, row))
      this.#before.delete(keyOf(rows, row))
      if (old === undefined) {
        if (rows[row + SPRITE.kind] === KIND.lure) this.#at(now, row, own, 'lure')
        continue
      }
      const rose = (rows[row + SPRITE.flags] ?? 0) & ~(before.rows[old + SPRITE.flags] ?? 0)
      if (rose & FLAG.shoots) this.#at(now, row, own, 'shot')
      if (rose & FLAG.bites) this.#at(now, row, own, 'bite')
      if (rose & FLAG.turned) this.#at(now, row, own, 'turned')
      if (rose & FLAG.strikes && !((rows[row + SPRITE.flags] ?? 0) & FLAG.turned)) strikes.push(row)
    }
    // What is left of before are those who are gone.
    for (const row of strikes) this.#at(now, row, own, this.#fells(before, rows, row) ? 'hit' : 'swing')
    if (own !== null) this.#ours(before, now, own)
    const [had, has] = [was.mine, is.mine]
    if (had && has) {
      const more = has.medkits > had.medkits || has.ammunition > had.ammunition || has.lures > had.lures
      if (more) this.#say('taken')
    }
    for (const [key, last] of this.#heard) if (tick - last > LATE_TICKS) this.#heard.delete(key)
  }

  /** Whether a zombie that is gone was near who strikes. */
  #fells(before: Look, rows: Int32Array, row: number): boolean {
    for (const old of this.#before.values()) {
      if (before.rows[old + SPRITE.kind] !== KIND.zombie) continue
      if (apart(before.rows, old, rows, row) < HIT_UNITS) return true
    }
    return false
  }

  /** What happens to us. */
  #ours(before: Look, now: Look, own: number): void {
    const { rows } = now
    const old = rowOf(before.rows, keyOf(rows, own))
    if (old === null) return
    const [health, flags, left_ms] = [SPRITE.health, SPRITE.flags, SPRITE.extra].map((at) => rows[own + at] ?? 0)
    const [hadHealth, hadLeft_ms] = [SPRITE.health, SPRITE.extra].map((at) => before.rows[old + at] ?? 0)
    const turned = ((flags ?? 0) & FLAG.turned) !== 0
    if ((health ?? 0) < (hadHealth ?? 0)) this.#say('bitten')
    if (turned || left_ms === undefined || hadLeft_ms === undefined) return
    if (left_ms > 0 && hadLeft_ms === 0) this.#say('infected')
    if (left_ms === 0 && hadLeft_ms > 0) this.#say('cured')
    const pause_ms = LAST_BEAT_MS + ((FIRST_BEAT_MS - LAST_BEAT_MS) * left_ms) / HEART_MS
    const now_ms = now.tick * TICK_MS
    // Time goes back when a correction does.
    const rested = now_ms - this.#beat_ms >= pause_ms || now_ms < this.#beat_ms
    if (left_ms > 0 && left_ms <= HEART_MS && rested) {
      this.#beat_ms = now_ms
      this.#say('heartbeat')
    }
  }

  #at({ rows, tick }: Look, row: number, own: number | null, sound: SoundName): void {
    const units = own === null ? HALF_UNITS : apart(rows, row, rows, own)
    if (units > SILENT_UNITS) return
    const key = `${sound} ${keyOf(rows, row)}`
    const last = this.#heard.get(key)
    if (last !== undefined && Math.abs(tick - last) < AGAIN_TICKS) return
    this.#heard.set(key, tick)
    this.#say(sound, 1 / (1 + (units / HALF_UNITS) ** 2))
  }

  #say(sound: SoundName, loudness = 1): void {
    this.#out.push({ sound, loudness })
  }
}

function keyOf(rows: Int32Array, row: number): number {
  return (rows[row + SPRITE.id] ?? 0) * 8 + (rows[row + SPRITE.kind] ?? 0)
}

function rowOf(rows: Int32Array, key: number): number | null {
  for (let row = 0; row < rows.length; row += STRIDE) if (keyOf(rows, row) === key) return row
  return null
}

function apart(some: Int32Array, one: number, others: Int32Array, other: number): number {
  const dx = (some[one + SPRITE.x] ?? 0) - (others[other + SPRITE.x] ?? 0)
  const dy = (some[one + SPRITE.y] ?? 0) - (others[other + SPRITE.y] ?? 0)
  return Math.hypot(dx, dy)
}
