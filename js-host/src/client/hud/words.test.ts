/** The words of the page. */

import { expect, test } from 'vitest'
import { MOMENTS } from '../gallery/states'
import type { Told, View } from '../game'
import { bannerOf, clock, endOf, nameOf, namesOf, ordinal, placeOf, toldOf, whyNot } from './words'

const { view } = MOMENTS.won as { view: View }
const name = (player: number) => ['ada', 'bob', 'cleo'][player] ?? '?'

test('a clock rounds up, so that 0 is when it happens', () => {
  expect([0, 1, 999, 1_000, 59_001, 180_000].map(clock)).toEqual(['0:00', '0:01', '0:01', '0:01', '1:00', '3:00'])
})

test('places', () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111].map(ordinal)).toEqual([
    ...['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '103rd', '111th'],
  ])
})

test.each<[Told['what'], number, number | null, string]>([
  ['bitten', 0, null, 'You were bitten by a zombie'],
  ['bitten', 1, 0, 'bob was bitten by you'],
  ['turned', 1, null, 'bob turned'],
  ['cured', 0, 0, 'You were cured'],
  ['cured', 1, 1, 'bob was cured'],
  ['cured', 1, 0, 'bob was cured by you'],
  ['felled', 0, 2, 'You were struck down by cleo'],
])('%s, %d by %s: %s', (what, who, by, text) => {
  expect(toldOf({ seq: 1, what, who, by }, 0, name)).toBe(text)
})

test('who has left has a number', () => {
  const names = namesOf({ ...view, here: [{ player: 5, name: null }] })
  expect([nameOf(names, 5), nameOf(names, 6)]).toEqual(['Player 5', 'Player 6'])
})

test('the end says who won, and our own place; equal points share one', () => {
  expect(endOf(view.hud)).toEqual(['Survivors win', 'Rescue came for 17 of 24.'])
  const last = { match_id: 7, winner: 'contagion', survivors: 0, players: 24, played_ms: 61_000 } as const
  expect(endOf({ ...view.hud, last })).toEqual(['The contagion wins', 'Nobody was left after 1:01.'])
  const [first] = view.hud.scores
  if (!first) throw new Error('there are scores')
  const scores = [9, 7, 7, 3].map((score, player) => ({ ...first, score, player }))
  expect([0, 2, 3, 8].map((me) => placeOf({ ...view.hud, scores }, me))).toEqual([
    'You came 1st of 4, with 9 points.',
    'You came 2nd of 4, with 7 points.',
    'You came 4th of 4, with 3 points.',
    '',
  ])
})

test('trouble has words, and what a player sees anyway has none', () => {
  expect(bannerOf('live', null)).toBe('')
  expect(bannerOf('refused', 'device_limit')).toMatch(/Too many tabs/)
  expect(bannerOf('refused', 'unheard_of')).toMatch(/refuses/)
  expect([whyNot('heal', 'empty'), whyNot('lure', 'empty'), whyNot('heal', 'no_use'), whyNot('heal', 'full')]).toEqual([
    ...['You carry no medkit.', 'You carry no lure.', 'Nobody within reach needs a medkit.', ''],
  ])
})
