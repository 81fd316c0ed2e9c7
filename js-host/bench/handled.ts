/**
 * The handler's wasm over a store in memory, in this process: what a host does, without a host.
 * Decides nothing of its own.
 */

import { readFileSync } from 'node:fs'
import { instantiate } from '#wasm/server'
import { decode, encode } from '../src/codec'
import { type Arrival, arrivals, effect, type Outcome } from '../src/effect'
import { performer } from '../src/store'
import { MemoryStore } from '../src/stores/memory'

/** What came of a batch. */
export interface Handled {
  outcomes: Outcome[]
  /** In the wasm alone, without the store. */
  us: number
  /** The frame that was appended. */
  frame: Uint8Array | null
}

/** Asks one room, whose matches are set up so. */
export function handler(room: string, match: object): (batch: Arrival[]) => Promise<Handled> {
  const bytes = readFileSync(new URL('../dist/wasm/server/baton_server_bg.wasm', import.meta.url))
  const { configure, Invocation } = instantiate(new WebAssembly.Module(bytes))
  configure(JSON.stringify({ rooms: { contagion: match } }))
  const store = performer(new MemoryStore())

  return async (batch) => {
    const input = encode(arrivals, batch)
    const handled: Handled = { outcomes: [], us: 0, frame: null }
    const timed = <T>(work: () => T): T => {
      const began = performance.now()
      const result = work()
      handled.us += (performance.now() - began) * 1_000
      return result
    }
    const steps = timed(() => new Invocation('contagion', room, input))
    let result: Uint8Array = new Uint8Array()
    for (;;) {
      const fed = result
      const asked = timed(() => steps.resume(fed))
      const wanted = decode(effect, asked)
      if (wanted.tag === 'reply') {
        timed(() => steps.free())
        return { ...handled, outcomes: wanted.outcomes }
      }
      if (wanted.tag === 'append') handled.frame = wanted.append.frame
      result = await store.perform(`contagion/${room}`, asked)
    }
  }
}
