/** What of the field is heard, and how loud. */

import { describe, expect, test } from 'vitest'
import { FLAG, type Hud, KIND, type Mine, type View } from './game'
import { Ear } from './heard'
import type { Look } from './look'

const ME = 3
const MINE: Mine = {
  role: 'survivor',
  health: 100,
  infection_ms: 0,
  ammunition: 0,
  medkits: 0,
  lures: 1,
  cooldown_ms: 0,
  down_ms: 0,
  score: 0,
}
const HUD: Hud = {
  phase: 'playing',
  ms_left: 60_000,
  match_id: 1,
  survivors: 2,
  infected: 0,
  turned: 0,
  zombies: 1,
  players: 2,
  last: null,
  scores: [],
  feed: [],
}

interface Row {
  kind?: number
  id?: number
  x?: number
  health?: number
  flags?: number
  extra?: number
}

function look(tick: number, rows: Row[], hud: Partial<Hud> = {}, mine: Partial<Mine> = {}): Look {
  const flat = rows.flatMap(({ kind = KIND.player, id = ME, x = 0, health = 100, flags = 0, extra = 0 }) => [
    ...[kind, id, x, 0, 0],
    ...[health, flags, extra, 0],
  ])
  const view: View = { hud: { ...HUD, ...hud }, me: ME, mine: { ...MINE, ...mine }, here: [] }
  const ground = { terrain: new Uint8Array(), terrainOf: 0 }
  return { tick, fraction: 0, correction: 0, rows: Int32Array.from(flat), ahead: new Int32Array(), view, ...ground }
}

function names(before: Look, now: Look, ear = new Ear()): string[] {
  return ear.hear(before, now).map(({ sound }) => sound)
}

describe('what is heard', () => {
  test('a strike is a swing, and a hit if a zombie beside it is gone', () => {
    const zombie = { kind: KIND.zombie, id: 9, x: 300 }
    const far = { kind: KIND.zombie, id: 8, x: 5_000 }
    const struck = { flags: FLAG.strikes }
    expect(names(look(1, [zombie, {}]), look(2, [zombie, struck]))).toEqual(['swing'])
    expect(names(look(1, [zombie, {}]), look(2, [struck]))).toEqual(['hit'])
    expect(names(look(1, [far, {}]), look(2, [struck]))).toEqual(['swing'])
    // Who still strikes does not strike again.
    expect(names(look(1, [struck]), look(2, [struck]))).toEqual([])
  })

  test('what is far is faint, and farther still is not heard', () => {
    const shot = (x: number) => {
      const other = { id: 7, x }
      return new Ear().hear(look(1, [{}, other]), look(2, [{}, { ...other, flags: FLAG.shoots }]))
    }
    expect(shot(0)).toEqual([{ sound: 'shot', loudness: 1 }])
    expect(shot(1_600)).toEqual([{ sound: 'shot', loudness: 0.5 }])
    expect(shot(9_000)).toEqual([])
  })

  test('what a correction repeats is heard once', () => {
    const ear = new Ear()
    const [still, shoots] = [[{}], [{ flags: FLAG.shoots }]]
    expect(names(look(1, still), look(2, shoots), ear)).toEqual(['shot'])
    expect(names(look(2, shoots), look(2, still), ear)).toEqual([])
    expect(names(look(2, still), look(3, shoots), ear)).toEqual([])
    expect(names(look(5, still), look(8, shoots), ear)).toEqual(['shot'])
  })

  test('a bite on us, the infection, the cure and the turn', () => {
    const well = look(1, [{}])
    const sick = look(2, [{ health: 80, extra: 20_000 }])
    expect(names(well, sick)).toEqual(['bitten', 'infected'])
    expect(names(sick, look(3, [{ health: 80 }]))).toEqual(['cured'])
    expect(names(sick, look(3, [{ health: 80, flags: FLAG.turned }]))).toEqual(['turned'])
    const others = (extra: number) => look(1, [{}, { id: 7, extra }])
    expect(names(others(0), others(20_000))).toEqual([])
  })

  test('the heart beats in the last six seconds, faster and faster', () => {
    const ear = new Ear()
    const beats: number[] = []
    for (let tick = 1; tick < 90; tick += 1) {
      const sick = (at: number) => look(at, [{ extra: 9_000 - at * 100 }])
      if (names(sick(tick - 1), sick(tick), ear).includes('heartbeat')) beats.push(tick)
    }
    const pauses = beats.slice(1).map((tick, at) => tick - (beats[at] ?? 0))
    expect(beats[0]).toBe(30)
    expect(pauses[0]).toBeGreaterThanOrEqual(8)
    expect(pauses.at(-1)).toBeLessThanOrEqual(4)
    expect(pauses.every((pause, at) => at === 0 || pause <= (pauses[at - 1] ?? 0))).toBe(true)
  })

  test('what we pick up, and a lure that is thrown', () => {
    expect(names(look(1, [{}]), look(2, [{}], {}, { medkits: 1 }))).toEqual(['taken'])
    expect(names(look(1, [{}], {}, { ammunition: 6 }), look(2, [{}], {}, { ammunition: 5 }))).toEqual([])
    expect(names(look(1, [{}]), look(2, [{ kind: KIND.lure, id: 1, extra: 6_000 }, {}]))).toEqual(['lure'])
  })

  test('the last three seconds of a countdown, the beginning and the end', () => {
    const counting = (ms_left: number) => look(1, [{}], { phase: 'countdown', ms_left })
    const heard = [4_100, 3_900, 3_100, 2_100, 1_100, 100].map((ms) => names(counting(ms), counting(ms - 150)))
    expect(heard).toEqual([[], [], ['tick'], ['tick'], ['tick'], []])
    expect(names(counting(100), look(2, [{}]))).toEqual(['begin'])
    const over = (winner: 'survivors' | 'contagion') => {
      const last = { match_id: 1, winner, survivors: 1, players: 2, played_ms: 1 }
      return names(look(1, [{}]), look(2, [{}], { phase: 'over', last }))
    }
    expect(over('survivors')).toEqual(['rescue'])
    expect(over('contagion')).toEqual(['loss'])
  })

  test('after a long pause, and from one match to the next, the field is silent', () => {
    const shoots = [{ flags: FLAG.shoots }]
    expect(names(look(1, [{}]), look(99, shoots))).toEqual([])
    expect(names(look(1, [{}]), look(2, shoots, { match_id: 2 }))).toEqual([])
    expect(new Ear().hear(null, look(2, shoots))).toEqual([])
  })
})
