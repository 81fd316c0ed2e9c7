/** What is made of a room's public JSON. */

import { expect, test } from 'vitest'
import { glanceOf, wordsOf } from './glance'

const ROOM = {
  kind: 'contagion',
  present: [
    { player: 0, name: 'ada' },
    { player: 1, name: 'bob' },
  ],
  game: { kind: 'contagion', phase: 'playing', ms_left: 61_000, match: 3, survivors: 2, turned: 1, zombies: 40 },
}

test('a room in play: its clock goes on between two answers, and never below zero', () => {
  const glance = glanceOf(ROOM)
  expect(wordsOf(glance, 0)).toEqual(['Rescue comes in', '1:01', '2', '40', '2'])
  expect(wordsOf(glance, 1_500)[1]).toBe('1:00')
  expect(wordsOf(glance, 99_000)[1]).toBe('0:00')
})

test('a room that stands still shows no clock', () => {
  expect(wordsOf(glanceOf({ ...ROOM, present: [] }), 0).slice(0, 2)).toEqual(['Waiting for players', ''])
  const idle = glanceOf({ ...ROOM, game: { ...ROOM.game, phase: 'idle' } })
  expect(wordsOf(idle, 0).slice(0, 2)).toEqual(['Waiting for players', ''])
  expect(wordsOf(null, 0)[0]).toMatch(/Be the first/)
})

test.each([[null], ['text'], [{}], [{ game: null }], [{ game: { phase: 'toString' } }], [{ game: { phase: 7 } }]])(
  '%j is of no room',
  (json) => expect(glanceOf(json)).toBeNull(),
)
