/**
 * What the handler costs in wasm, in Node: a warm instance that leads, ten players' actions in one
 * frame, a match with its zombies on the field. Decides nothing about hosts: the store is in memory.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { instantiate } from '#wasm/server'
import { frame } from '../../tests/e2e/wire'
import { decode, encode } from '../src/codec'
import { type Arrival, arrivals, effect, type Outcome } from '../src/effect'
import { performer } from '../src/store'
import { MemoryStore } from '../src/stores/memory'
import { atMost, median, plain, spread } from './figure'
import { Light } from './light'
import { MATCH, ZOMBIES } from './match'

const PLAYERS = 10
const ROUNDS = 120
const ROOM = 'bench'
/** A round lasts for one frame of the handler's pace, and a little. */
const ROUND_MS = 105

interface Cost {
  outcomes: Outcome[]
  /** In the wasm alone, without the store. */
  us: number
  /** The frame that was appended. */
  frame: Uint8Array | null
}

await run()

async function run(): Promise<void> {
  const bytes = readFileSync(new URL('../dist/wasm/server/baton_server_bg.wasm', import.meta.url))
  const { configure, Invocation } = instantiate(new WebAssembly.Module(bytes))
  configure(JSON.stringify({ rooms: { contagion: MATCH } }))
  const store = performer(new MemoryStore())

  async function ask(batch: Arrival[]): Promise<Cost> {
    const input = encode(arrivals, batch)
    const cost: Cost = { outcomes: [], us: 0, frame: null }
    const timed = <T>(work: () => T): T => {
      const began = performance.now()
      const result = work()
      cost.us += (performance.now() - began) * 1_000
      return result
    }
    const steps = timed(() => new Invocation('contagion', ROOM, input))
    let result: Uint8Array = new Uint8Array()
    for (;;) {
      const fed = result
      const asked = timed(() => steps.resume(fed))
      const wanted = decode(effect, asked)
      if (wanted.tag === 'reply') {
        timed(() => steps.free())
        return { ...cost, outcomes: wanted.outcomes }
      }
      if (wanted.tag === 'append') cost.frame = wanted.append.frame
      result = await store.perform(`contagion/${ROOM}`, asked)
    }
  }

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
