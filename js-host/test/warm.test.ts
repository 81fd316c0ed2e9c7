/** How many rooms an instance remembers: as many as its memory takes, and no request traps for want of it. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { instantiate } from '#wasm/server'
import { PRESENCE, reply, request } from '../../tests/e2e/wire'
import { decode, encode } from '../src/codec'
import { Driver } from '../src/driver'
import { nothing } from '../src/effect'
import { Faces } from '../src/load/face'
import { performer } from '../src/store'
import { MemoryStore } from '../src/stores/memory'

const wasm = new URL('../dist/wasm/server/baton_server_bg.wasm', import.meta.url)
/** See `crates/xtask/src/wasm.rs`. */
const MEMORY_BYTES = 64 * 1024 * 1024
const ROOMS = 2_000
/** Somebody is there, the match begins, and it is led on. */
const STEPS_MS = [200, 200, 5_000, 5_000, 5_000, 1_000, 2_000]

test('as_many_matches_as_an_instance_remembers_fit_into_its_memory', { timeout: 120_000 }, async () => {
  let clock_ms = 1_790_000_000_000
  const module = new WebAssembly.Module(readFileSync(wasm))
  const memories: WebAssembly.Memory[] = []
  const faces = new Faces(() => {
    const face = instantiate(module)
    memories.push(face.memory)
    return face
  }, '{}')
  const driver = new Driver({ faces, store: performer(new MemoryStore(() => clock_ms)), store_timeout_ms: 60_000 })
  const numbers = new Map<string, number>()
  const ask = async (room: string) => {
    const hail = {
      ...{ id: new Uint8Array(16).fill(7), number: numbers.get(room) ?? null, session: 1, client: 1 },
      ...{ presence: PRESENCE.here, answered: 0, kept_from: 1, actions: [] },
    }
    const body = { protocol: 1, cursor: nothing(), rules: 1, frames: 1, device: hail }
    const call = { tag: 'play' as const, request: encode(request, body) }
    const outcome = await driver.ask('contagion', room, { who: { user: 'ann', name: 'Ann' }, call })
    expect(outcome.status).toBe(200)
    const { device } = decode(reply, outcome.body)
    if (device) numbers.set(room, device.number)
  }
  for (let room = 0; room < ROOMS; room += 1) {
    for (const step_ms of STEPS_MS) {
      clock_ms += step_ms
      await ask(`r${room}`)
    }
  }
  const bytes = memories.at(-1)?.buffer.byteLength ?? 0
  expect([driver.counters.traps, memories.length]).toEqual([0, 1])
  // Not by remembering little.
  expect(faces.warmRooms()).toBeGreaterThan(200)
  expect(bytes).toBeLessThan(0.75 * MEMORY_BYTES)
})
