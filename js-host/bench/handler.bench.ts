/**
 * What the handler costs in wasm, in Node: a warm instance that leads, ten players' actions in one
 * frame, a match with its zombies on the field. Decides nothing about hosts: the store is in memory.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { frame } from '../../tests/e2e/wire'
import { decode } from '../src/codec'
import { atMost, median, plain, spread } from './figure'
import { handler } from './handled'
import { Light } from './light'
import { MATCH, ZOMBIES } from './match'

const PLAYERS = 10
const ROUNDS = 120
const ROOM = 'bench'
/** A round lasts for one frame of the handler's pace, and a little. */
const ROUND_MS = 105

await run()

async function run(): Promise<void> {
  const ask = handler(ROOM, MATCH)
  const players = Array.from({ length: PLAYERS }, (_, index) => new Light(index))
  for (let tries = 0; players.some((player) => player.number === null); tries++) {
    if (tries > 50) throw new Error('the players could not join')
    const { outcomes } = await ask(players.map((player) => player.arrival('here', 0)))
    for (const [index, outcome] of outcomes.entries()) players[index]?.take(outcome)
    await sleep(ROUND_MS)
  }

  const costs: number[] = []
  const sizes: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(ROUND_MS)
    const cost = await ask(players.map((player) => player.arrival(round % 20 === 0 ? 'here' : 'unsaid', 1)))
    for (const [index, outcome] of cost.outcomes.entries()) players[index]?.take(outcome)
    const entries = cost.frame ? decode(frame, cost.frame).entries.length : 0
    if (round < ROUNDS / 4 || entries < PLAYERS) continue
    costs.push(cost.us)
    sizes.push(cost.frame?.length ?? 0)
  }
  if (costs.length < ROUNDS / 4) throw new Error(`only ${costs.length} frames had all ${PLAYERS} entries`)
  const name = `handler in wasm, warm, ${PLAYERS} new entries, ${ZOMBIES} zombies`
  console.error(`${name}: ${costs.length} frames, ${spread(costs)} us`)
  atMost(name, median(costs), 'us', 300)
  plain('frame with those entries', median(sizes), 'bytes')
}
