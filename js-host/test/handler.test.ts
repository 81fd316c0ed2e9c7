/** The driver with the real handler over the memory store: traps at every point, and a store that is down. */

import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { instantiate } from '#wasm/server'
import { type Entry, frame, type Hail, PRESENCE, type Reply, reply, request } from '../../tests/e2e/wire'
import { decode, encode } from '../src/codec'
import { Driver } from '../src/driver'
import { type Arrival, type Identity, nothing } from '../src/effect'
import { type Face, Faces, type Steps } from '../src/load/face'
import { type Performer, performer } from '../src/store'
import { MemoryStore } from '../src/stores/memory'
import { seen } from './fake'

const wasm = new URL('../dist/wasm/server/baton_server_bg.wasm', import.meta.url)
const module = new WebAssembly.Module(readFileSync(wasm))

/** An instance that traps when `traps` says so, before or after the real step. */
function fragile(traps: (when: 'before' | 'after') => boolean): Face {
  const { Invocation, ...rest } = instantiate(module)
  const step = (when: 'before' | 'after') => {
    if (traps(when)) throw new WebAssembly.RuntimeError('unreachable')
  }
  class Fragile implements Steps {
    readonly #real: Steps

    constructor(kind: string, room: string, arrivals: Uint8Array, noted?: Uint8Array, trapped?: boolean) {
      this.#real = new Invocation(kind, room, arrivals, noted, trapped)
    }

    resume(result: Uint8Array): Uint8Array {
      step('before')
      const effect = this.#real.resume(result)
      step('after')
      return effect
    }

    free(): void {
      this.#real.free()
    }
  }
  return { ...rest, Invocation: Fragile }
}

let clock_ms = 0
const now = () => clock_ms

beforeEach(() => {
  clock_ms = 1_790_000_000_000
})

/** A device on one driver; time passes between its requests. */
class Player {
  readonly id: Uint8Array
  readonly who: Identity
  number: number | null = null
  readonly driver: Driver

  constructor(driver: Driver, user: string) {
    this.driver = driver
    this.id = new Uint8Array(16).fill(user.charCodeAt(0))
    this.who = { user, name: user }
  }

  arrival(more: Partial<Hail>): Arrival {
    const { id, number } = this
    const hail = {
      id,
      number,
      session: 1,
      client: 1,
      presence: PRESENCE.unsaid,
      answered: 0,
      kept_from: 1,
      actions: [],
    }
    const body = { protocol: 1, cursor: nothing(), rules: 1, frames: 1, device: { ...hail, ...more } }
    return { who: this.who, call: { tag: 'play', request: encode(request, body) } }
  }

  /** The reply, or status and code. */
  async ask(more: Partial<Hail> = {}): Promise<Reply | string> {
    clock_ms += 150
    const outcome = await this.driver.ask('contagion', 'a', this.arrival(more))
    if (outcome.status !== 200) return seen(outcome)
    const answer = decode(reply, outcome.body)
    this.number = answer.device?.number ?? this.number
    return answer
  }

  /** Asks again while the answer is a refusal that says so. */
  async insist(more: Partial<Hail>, done: (answer: Reply) => boolean): Promise<Reply> {
    for (let tries = 0; tries < 100; tries++) {
      const answer = await this.ask(more)
      if (typeof answer === 'string') expect(answer).toMatch(/^(500 restarted|503 retry)$/)
      else if (done(answer)) return answer
    }
    throw new Error('it did not come to that')
  }
}

/** Joins and acts three times. Returns what happened, in order. */
async function play(driver: Driver): Promise<string[]> {
  const player = new Player(driver, 'u')
  await player.insist({ presence: PRESENCE.here }, ({ device }) => device !== null)
  for (let seq = 1; seq <= 3; seq++) {
    const actions = [{ seq, version: 1, body: new Uint8Array([1]) }]
    await player.insist({ actions }, ({ device }) => device?.mark === seq)
  }
  const { news } = await player.insist({}, () => true)
  if (news.tag !== 'frames') throw new Error(news.tag)
  return news.frames.flatMap((bytes) => decode(frame, bytes).entries).map(told)
}

function told(entry: Entry): string {
  return 'seq' in entry ? `${entry.tag} ${entry.seq}` : entry.tag
}

const HISTORY = ['setup', 'register', 'join', 'reject 1', 'reject 2', 'reject 3']

describe('a trap of the real handler', () => {
  /** Plays with a trap at one step. Returns whether it came to that step. */
  async function trapAt(when: 'before' | 'after', at: number): Promise<boolean> {
    let step = 0
    const faces = new Faces(() => fragile((now) => now === when && step++ === at), '{}')
    const driver = new Driver({ faces, store: performer(new MemoryStore(now)), store_timeout_ms: 1000 })
    expect(await play(driver)).toEqual(HISTORY)
    expect(driver.counters.traps).toBe(step > at ? 1 : 0)
    return step > at
  }

  test.each(['before', 'after'] as const)('%s any step costs that request and nothing else', async (when) => {
    let at = 0
    while (await trapAt(when, at)) at += 1
    expect(at).toBeGreaterThan(10)
  })

  // Who trapped leads nothing: periods of four and five are those of a request, the first run of each traps, and nobody
  // ever leads.
  test.each([6, 7, 9])('at every step of %d still comes to an end', async (period) => {
    let step = 0
    const faces = new Faces(() => fragile((when) => when === 'before' && ++step % period === 0), '{}')
    const driver = new Driver({ faces, store: performer(new MemoryStore(now)), store_timeout_ms: 1000 })
    expect(await play(driver)).toEqual(HISTORY)
    expect(driver.counters.traps).toBeGreaterThan(2)
  })

  test('that unwinds through the wasm leaves nothing behind', async () => {
    const faces = new Faces(() => instantiate(module), '{}')
    const driver = new Driver({ faces, store: performer(new MemoryStore(now)), store_timeout_ms: 1000 })
    const player = new Player(driver, 'u')
    await player.insist({ presence: PRESENCE.here }, ({ device }) => device !== null)
    for (let count = 0; count < 20; count++) {
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
        throw new Error('no clock')
      })
      expect(await player.ask()).toBe('500 restarted')
      clock.mockRestore()
    }
    expect(await player.ask()).toMatchObject({ device: { number: player.number } })
    // Each request ran twice.
    expect(faces.drops).toBe(40)
  })
})

describe('a store that is down', () => {
  test.each([
    ['at once', () => Promise.reject(new Error('down'))],
    ['for longer than it may take', () => new Promise<never>(() => {})],
  ])('%s: nothing is ever said to be done', async (_, fail) => {
    const inner = performer(new MemoryStore(now))
    let down = false
    const store: Performer = { perform: (...call) => (down ? fail() : inner.perform(...call)) }
    const driver = new Driver({ faces: new Faces(() => instantiate(module), '{}'), store, store_timeout_ms: 20 })
    const player = new Player(driver, 'u')
    await player.insist({ presence: PRESENCE.here }, ({ device }) => device !== null)
    down = true
    const actions = [{ seq: 1, version: 1, body: new Uint8Array([1]) }]
    for (let count = 0; count < 3; count++) expect(await player.ask({ actions })).toBe('503 retry')
    expect(seen(await driver.ask('contagion', 'a', { who: null, call: { tag: 'view' } }))).toBe('503 retry')
    down = false
    const after = await player.insist({ actions }, ({ device }) => device?.mark === 1)
    expect(after.device?.mark).toBe(1)
  })

  test('in its answers only: what was done is found, and is done once', async () => {
    const inner = performer(new MemoryStore(now))
    let calls = 0
    const store: Performer = {
      perform: async (...call) => {
        const result = await inner.perform(...call)
        if (calls++ % 3 === 1) throw new Error('the answer was lost')
        return result
      },
    }
    const driver = new Driver({ faces: new Faces(() => instantiate(module), '{}'), store, store_timeout_ms: 1000 })
    expect(await play(driver)).toEqual(HISTORY)
  })
})

test('a bad setting names itself', () => {
  const faces = new Faces(() => instantiate(module), '{"frame_ms":0}')
  expect(() => faces.current()).toThrow(/frame_ms/)
})
