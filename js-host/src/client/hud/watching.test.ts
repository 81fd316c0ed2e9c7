/** Whom a spectator watches. */

import { expect, test } from 'vitest'
import { FLAG, KIND } from '../game'
import type { Look } from '../look'
import { Watching } from './watching'

function look(players: [id: number, turned: boolean][]): Look {
  const rows = players.map(([id, turned]) => [KIND.player, id, 0, 0, 0, 100, turned ? FLAG.turned : 0, 0, 0])
  return { rows: Int32Array.from([[KIND.zombie, 9, 0, 0, 0, 1, 0, 0, 0], ...rows].flat()) } as Look
}

test('a survivor is watched, for as long as the figure is there, and others by turns', () => {
  const watching = new Watching(9)
  expect(watching.watched).toBeNull()
  watching.look(
    look([
      [4, true],
      [5, false],
      [6, false],
    ]),
  )
  expect(watching.watched).toBe(5)
  watching.turn(-1)
  expect(watching.watched).toBe(4)
  watching.turn(1)
  watching.turn(1)
  expect(watching.watched).toBe(6)
  watching.look(
    look([
      [6, true],
      [5, false],
    ]),
  )
  expect(watching.watched).toBe(6)
  watching.look(look([[5, false]]))
  expect(watching.watched).toBe(5)
  watching.look(look([]))
  watching.turn(1)
  expect(watching.watched).toBeNull()
})
