/**
 * Made-up moments of a match, each with what is hardest to fit: long names, large numbers, everything
 * at once. Decides nothing of the game. For the gallery and the tests of the layout.
 */

import type { AccountState } from '../account'
import { FLAG, ITEM, KIND, type Measures, type Mine, type Score, TERRAIN, type View } from '../game'
import type { Look } from '../look'
import type { Status } from '../room'

export const MEASURES: Measures = {
  ...{ tile: 256, width: 24_576, height: 16_384, angles: 32, stride: 9, health: 100 },
  ...{ strike_reach: 410, shot_reach: 2_304, heal_reach: 512, infection_ms: 20_000, cooldown_ms: 600 },
  ...{ lure_ms: 6_000, down_ms: 5_000, max_medkits: 2, max_ammunition: 24, max_lures: 2 },
}
const ME = 3
const NAMES = ['brisk-otter-41', 'a-name-that-goes-on-and-on-and-on', 'mossy', 'calm-heron-7', 'Zoë', 'tidy-lynx-19']
const WIDE = MEASURES.width / MEASURES.tile
const HIGH = MEASURES.height / MEASURES.tile

/** A moment, and how the connection is then. */
export interface Moment {
  view: View
  status: Status
}

const MINE: Mine = {
  ...{ role: 'survivor', health: 72, infection_ms: 0, ammunition: 18, medkits: 1, lures: 2 },
  ...{ cooldown_ms: 0, down_ms: 0, score: 214 },
}

function scores(count: number): Score[] {
  return Array.from({ length: count }, (_, place) => ({
    player: place,
    score: 1_245 - 19 * place,
    role: (['survivor', 'survivor', 'infected', 'turned'] as const)[place % 4] ?? 'survivor',
    away: place === 4,
    survived_ms: 180_000 - 2_500 * place,
    struck: 48 - (place % 48),
    cures: place % 5,
    infected: place % 4 === 3 ? 12 : 0,
  }))
}

function view(hud: Partial<View['hud']>, more: Partial<View> = {}): View {
  const players = 24
  return {
    hud: {
      ...{ phase: 'playing', ms_left: 131_400, match_id: 7, survivors: 17, infected: 3, turned: 7, zombies: 248 },
      ...{ players, last: null, scores: scores(players), feed: [] },
      ...hud,
    },
    me: ME,
    mine: MINE,
    here: Array.from({ length: players + 3 }, (_, player) => ({
      player,
      name: NAMES[player % NAMES.length] ?? null,
    })).filter(({ player }) => player !== 4),
    ...more,
  }
}

const LAST = { match_id: 7, winner: 'survivors', survivors: 17, players: 24, played_ms: 180_000 } as const
const FEED = [
  { seq: 1, what: 'bitten', who: 1, by: null },
  { seq: 2, what: 'bitten', who: ME, by: 2 },
  { seq: 3, what: 'cured', who: 0, by: ME },
  { seq: 4, what: 'turned', who: 1, by: null },
  { seq: 5, what: 'felled', who: 1, by: 4 },
] as const

const STATS = { played: 1_204, won: 388, best: 12_450, survived_ms: 9e8, struck: 48_213, cures: 512, infected: 803 }

/** An account with much in it, and with trouble. */
export const ACCOUNT: AccountState = {
  view: {
    ...{ coins: 1_234_567, scrap: 7_654_321, games: 2_408, matches: STATS, runs: STATS },
    ...{ goals: ['first_match', 'ten_games'], items: ['raincoat'], look: 4, preferences: {} },
    seeds: [1, 2, 3].map((seed) => ({ seed: String(seed), until_ms: Date.UTC(2100, 0, 1) })),
    waiting: ['4', '5'],
    judged: [
      { seed: '6', score: 12_450, scrap: 1_270 },
      { seed: '7', flaw: 'too_soon' },
    ],
    sold: [
      { item: 'raincoat', look: 4, currency: 'scrap', price: 150 },
      { item: 'welder', look: 5, currency: 'scrap', price: 400 },
      { item: 'nurse', look: 6, currency: 'coins', price: 500 },
      { item: 'astronaut', look: 7, currency: 'coins', price: 2_000 },
    ],
  },
  ...{ pending: 12, refused: [{ seq: 1, code: 'used_seed' }], purchase: null, evicted: 0 },
  ...{ stale: true, durable: false, outdated: false, refusal: null },
}

/** The moments by name. A moment follows the one that is named `before`, which makes its news news. */
export const MOMENTS: Record<string, Moment> = {
  joining: { view: view({ phase: 'idle', ms_left: 0, scores: [] }, { me: null, mine: null }), status: 'joining' },
  idle: { view: view({ phase: 'idle', ms_left: 0, scores: [] }, { mine: null }), status: 'live' },
  countdown: { view: view({ phase: 'countdown', ms_left: 11_800 }), status: 'live' },
  playing: { view: view({ feed: [...FEED] }), status: 'live' },
  infected: {
    view: view({ feed: [...FEED] }, { mine: { ...MINE, infection_ms: 13_600, medkits: 0 } }),
    status: 'live',
  },
  urgent: { view: view({}, { mine: { ...MINE, infection_ms: 5_200, health: 22 } }), status: 'live' },
  turned: { view: view({ feed: [...FEED] }, { mine: { ...MINE, role: 'turned', health: 90 } }), status: 'live' },
  down: { view: view({}, { mine: { ...MINE, role: 'turned', health: 0, down_ms: 3_200 } }), status: 'live' },
  watching: { view: view({ feed: [...FEED] }, { mine: null, me: 25 }), status: 'live' },
  won: { view: view({ phase: 'over', ms_left: 7_300, last: LAST }), status: 'live' },
  lost: {
    view: view({
      phase: 'over',
      ms_left: 7_300,
      last: { ...LAST, winner: 'contagion', survivors: 0 },
      scores: scores(64),
    }),
    status: 'live',
  },
  'lost, out of sync': {
    view: view({
      ...{ phase: 'over', ms_left: 7_300, scores: scores(64) },
      last: { ...LAST, winner: 'contagion', survivors: 0 },
    }),
    status: 'desync',
  },
  reconnecting: { view: view({}, { mine: { ...MINE, infection_ms: 13_600, medkits: 0 } }), status: 'reconnecting' },
  stalled: { view: view({}), status: 'stalled' },
  desync: { view: view({}), status: 'desync' },
  halted: { view: view({}), status: 'halted' },
}

/** A moment as the page would see it. */
export function lookOf(view: View, tick: number): Look {
  const rows = Int32Array.from(things(view).flat())
  return { tick, fraction: 0, correction: 0, rows, ahead: rows, view, terrain: TOWN, terrainOf: 1 }
}

/** A pattern without chance: the same pictures every time. */
function place(index: number, salt: number): [number, number] {
  const at = (index * 7_919 + salt * 104_729) % 1_000_003
  return [(at % 971) * (MEASURES.width / 971), (at % 883) * (MEASURES.height / 883)].map(Math.round) as [number, number]
}

function things({ hud, mine, me }: View): number[][] {
  const items = Array.from({ length: 18 }, (_, id) => [
    ...[KIND.item, id, ...place(id, 3), 0, 1, 0],
    ...[[ITEM.medkit, ITEM.ammunition, ITEM.lure][id % 3] ?? ITEM.medkit, 0],
  ])
  const zombies = Array.from({ length: hud.zombies }, (_, id) => [
    KIND.zombie,
    id,
    ...place(id, 1),
    id % 32,
    1,
    1,
    0,
    0,
  ])
  const players = Array.from({ length: hud.players }, (_, id) => {
    const turned = (id === me ? mine?.role === 'turned' : id % 4 === 3) ? FLAG.turned : 0
    return [KIND.player, id, ...place(id + 5, 2), id % 32, 80, turned, id % 4 === 2 ? 9_000 : 0, 0]
  })
  return [...items, ...zombies, ...players]
}

/** Streets in a grid, with a house in each block. */
const TOWN = Uint8Array.from({ length: WIDE * HIGH }, (_, index) => {
  const [x, y] = [(index % WIDE) % 16, Math.floor(index / WIDE) % 16]
  if (x < 3 || y < 3) return TERRAIN.street
  const [inside, edge] = [x > 5 && x < 14 && y > 5 && y < 13, x === 6 || x === 13 || y === 6 || y === 12]
  if (!inside) return (x + y) % 7 === 0 ? TERRAIN.tree : TERRAIN.grass
  if (!edge) return TERRAIN.floor
  return x === 9 ? TERRAIN.door : TERRAIN.wall
})
