/** Who shares an invocation, and what a trap, a store that fails and a request that is stopped cost. */

import { describe, expect, test, vi } from 'vitest'
import { Driver, type DriverOptions } from '../src/driver'
import { type Effect, nothing, type Outcome } from '../src/effect'
import { MAX_BATCH } from '../src/limits'
import { Faces } from '../src/load/face'
import { type Performer, performer, StoreOverloaded } from '../src/store'
import { MemoryStore } from '../src/stores/memory'
import { FakeWasm, ok, type Play, ROOM, readNothing, says, seen, textOf, trap } from './fake'

const memory = performer(new MemoryStore())

function drive(
  play: Play,
  store: Performer = memory,
  store_timeout_ms = 1000,
  delivers?: ReadonlySet<string>,
  elsewhere?: DriverOptions['elsewhere'],
) {
  const wasm = new FakeWasm(play)
  const notes: string[] = []
  const driver = new Driver({
    faces: wasm.faces,
    store,
    store_timeout_ms,
    ...(delivers ? { delivers } : {}),
    ...(elsewhere ? { elsewhere } : {}),
    note: (event) => notes.push(event),
  })
  const ask = (text: string, room = ROOM) => driver.ask('dots', room, says(text)).then(seen)
  return { wasm, driver, ask, notes }
}

function trapped(): Outcome[] {
  return trap()
}

function noting(record: number[] | null): Effect {
  const note = { was: null, now: record && new Uint8Array(record) }
  return { tag: 'note', note, read: { known: nothing(), since: 0, block: null } }
}

/** Replies to each arrival with how many shared the invocation. */
const echo: Play = function* (batch) {
  yield readNothing
  return batch.map((each) => ok(`${textOf(each)}/${batch.length}`))
}

describe('a batch', () => {
  test('is what arrived while the one before was under way, in order', async () => {
    const { ask, driver, wasm } = drive(echo)
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((text) => ask(text)))
    expect(answers).toEqual(['200 a/1', '200 b/3', '200 c/3', '200 d/3'])
    expect(driver.counters).toMatchObject({ requests: 4, invocations: 2 })
    expect(wasm.live).toBe(0)
    expect(await ask('e')).toBe('200 e/1')
  })

  test('is of one room and one kind; rooms do not wait for each other', async () => {
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const slow: Performer = {
      perform: async (room, effect) => {
        if (room === 'dots/slow') await gate
        return memory.perform(room, effect)
      },
    }
    const { ask, driver } = drive(echo, slow)
    const waiting = ask('a', 'slow')
    expect(await ask('b', 'quick')).toBe('200 b/1')
    expect(seen(await driver.ask('plain', 'slow', says('c')))).toBe('200 c/1')
    open()
    expect(await waiting).toBe('200 a/1')
  })

  test('is bounded in number and in bytes', async () => {
    const sizes: number[] = []
    const { driver } = drive(function* (batch) {
      sizes.push(batch.length)
      yield readNothing
      return batch.map(() => ok(''))
    })
    await Promise.all(Array.from({ length: MAX_BATCH + 10 }, () => driver.ask('dots', 'many', says('a'))))
    expect(sizes).toEqual([1, MAX_BATCH, 9])
    sizes.length = 0
    const big = says('x'.repeat(400_000))
    await Promise.all(Array.from({ length: 6 }, () => driver.ask('dots', 'big', big)))
    expect(sizes).toEqual([1, 2, 2, 1])
  })

  test('wants one block of frames at most', async () => {
    const batches: number[][] = []
    const { driver } = drive(function* (batch) {
      batches.push(batch.map(({ call }) => (call.tag === 'block' ? call.last : 0)))
      yield readNothing
      return batch.map(() => ok(''))
    })
    const block = (last: number) =>
      driver.ask('dots', ROOM, { who: null, call: { tag: 'block', first: last - 63, last, hash: '' } })
    await Promise.all([block(64), block(64), block(64), driver.ask('dots', ROOM, says('a')), block(128), block(64)])
    expect(batches).toEqual([[64], [64, 64, 0], [128], [64]])
  })

  test('that cannot be formed because too many wait is told busy at once', async () => {
    const { driver } = drive(echo, { perform: () => new Promise(() => {}) }, 50)
    const all = Array.from({ length: 2000 }, () => driver.ask('dots', ROOM, says('a')).then(seen))
    expect(await Promise.race(all)).toBe('503 busy')
  })
})

describe('a trap', () => {
  const touchy: Play = function* (batch) {
    yield readNothing
    if (batch.some((each) => textOf(each) === 'bad')) trap()
    return batch.map((each) => ok(textOf(each)))
  }

  test('costs only the request that trapped', async () => {
    const { ask, wasm, driver, notes } = drive(touchy)
    expect(await Promise.all(['a', 'b', 'bad', 'c', 'd'].map((text) => ask(text)))).toEqual([
      '200 a',
      '200 b',
      '500 restarted',
      '200 c',
      '200 d',
    ])
    expect(driver.counters.traps).toBe(4)
    expect(wasm.made).toBe(5)
    expect(notes).toEqual(['trap', 'trap', 'trap', 'trap'])
    expect(wasm.settings).toEqual(['{}', '{}', '{}', '{}', '{}'])
  })

  test('of who leads has the same batch run once more as one that leads nothing', async () => {
    const runs: string[] = []
    const { ask, driver } = drive(function* (batch, _room, _kind, trap) {
      runs.push(`${batch.length} ${trap ? 'again' : 'at first'}`)
      yield readNothing
      if (!trap && batch.some((each) => textOf(each) === 'bad')) return trapped()
      return batch.map((each) => ok(textOf(each)))
    })
    const all = ['a', 'b', 'bad', 'c'].map((text) => ask(text))
    expect(await Promise.all(all)).toEqual(['200 a', '200 b', '200 bad', '200 c'])
    expect(runs).toEqual(['1 at first', '3 at first', '3 again'])
    expect(driver.counters.traps).toBe(1)
  })

  test.each<[string, Effect[], number[]]>([
    ['after a note tells what was noted', [readNothing, noting([7, 7])], [7, 7]],
    ['before a note was answered tells nothing', [readNothing], []],
    ['some effects after a note tells nothing', [noting([7, 7]), readNothing], []],
    ['after a note that removes the record tells nothing', [noting(null)], []],
  ])('%s', async (_, effects, expected) => {
    const told: (Uint8Array | undefined)[] = []
    const { ask } = drive(function* (batch, _room, _kind, trap) {
      told.push(trap)
      if (!trap) {
        for (const effect of effects) yield effect
        return trapped()
      }
      return batch.map(() => ok(''))
    })
    expect(await ask('a')).toBe('200 ')
    expect(told).toEqual([undefined, new Uint8Array(expected)])
  })

  test('after a note that the store did not answer tells nothing', async () => {
    const told: (Uint8Array | undefined)[] = []
    const { ask } = drive(
      function* (batch, _room, _kind, trap) {
        told.push(trap)
        if (trap) return batch.map(() => ok(''))
        yield noting([7, 7])
        return trapped()
      },
      { perform: () => Promise.reject(new Error('gone')) },
    )
    expect(await ask('a')).toBe('200 ')
    expect(told).toEqual([undefined, new Uint8Array()])
  })

  test.each<[string, Effect[], number[]]>([
    ['with what it noted last', [noting([7, 7]), readNothing], [7, 7]],
    ['with nothing if it noted nothing', [readNothing], []],
    ['with nothing if it removed the record', [noting([7, 7]), noting(null)], []],
  ])('of another has an invocation begin again %s', async (_, effects, expected) => {
    const told: (Uint8Array | undefined)[] = []
    const { ask } = drive(function* (batch, room, _kind, trap, dropped) {
      if (room === 'two') {
        if (trap) return batch.map(() => ok(''))
        yield readNothing
        return trapped()
      }
      told.push(dropped)
      // The first time it waits for its store longer than the other room needs to trap.
      for (const effect of dropped ? [] : effects) yield effect
      for (let count = 0; count < (dropped ? 0 : 8); count++) yield readNothing
      return batch.map(() => ok(''))
    })
    expect(await Promise.all([ask('a', 'one'), ask('a', 'two')])).toEqual(['200 ', '200 '])
    expect(told).toEqual([undefined, new Uint8Array(expected)])
  })

  test('twenty times in a row leaves a host that works', async () => {
    const { ask } = drive(touchy)
    for (let count = 0; count < 20; count++) expect(await ask('bad')).toBe('500 restarted')
    expect(await ask('good')).toBe('200 good')
  })

  test('in one room makes the others begin again, and none sees the poisoned instance', async () => {
    const { ask, wasm } = drive(touchy)
    const rooms = ['one', 'two', 'three', 'four']
    const answers = await Promise.all(rooms.map((room) => ask(room === 'two' ? 'bad' : room, room)))
    expect(answers).toEqual(['200 one', '500 restarted', '200 three', '200 four'])
    expect(wasm.made).toBe(3)
  })

  test.each<[string, Play]>([
    ['on the way in', () => trap()],
    [
      'before the first effect',
      // biome-ignore lint/correctness/useYield: it never comes to that
      function* () {
        return trap()
      },
    ],
    [
      'of the stack',
      function* () {
        yield readNothing
        throw new RangeError('Maximum call stack size exceeded')
      },
    ],
    [
      'as an endless invocation',
      function* () {
        for (;;) yield readNothing
      },
    ],
    [
      'as the wrong number of outcomes',
      function* () {
        yield readNothing
        return []
      },
    ],
  ])('%s', async (_, play) => {
    const { ask, wasm } = drive(play)
    expect(await ask('a')).toBe('500 restarted')
    expect(await ask('a')).toBe('500 restarted')
    expect(wasm.made).toBe(4)
  })

  test('of everything stops making instances', async () => {
    const { driver, wasm } = drive(() => trap())
    const all = await Promise.all(Array.from({ length: 257 }, () => driver.ask('dots', ROOM, says('a'))))
    expect(new Set(all.map(seen))).toEqual(new Set(['500 restarted']))
    expect(wasm.made).toBeLessThan(50)
  })

  test('after the append has the others answered from what is stored', async () => {
    const store = performer(new MemoryStore())
    const { ask, driver } = drive(function* (batch) {
      const before = yield readNothing
      const head = before.tag === 'read' ? before.found.head : nothing()
      const hash = new Uint8Array(16).fill(head.v + 1)
      const append = {
        v: head.v + 1,
        previous: head.hash,
        hash,
        frame: hash,
        published: hash,
        lease_ms: 0,
        framed: [],
        snapshot: null,
        note: null,
      }
      const after = yield { tag: 'append', append, read: { known: head, since: 0, block: null } }
      if (batch.some((each) => textOf(each) === 'bad')) trap()
      return batch.map(() => ok(after.tag === 'appended' ? `v${after.found.head.v}` : after.tag))
    }, store)
    expect(await Promise.all(['a', 'bad', 'b'].map((text) => ask(text)))).toEqual(['200 v1', '500 restarted', '200 v5'])
    expect(driver.counters).toMatchObject({ led: 5, traps: 3 })
  })
})

describe('a store', () => {
  const tells: Play = function* (batch) {
    const result = yield readNothing
    return batch.map(() => ok(result.tag))
  }

  test('that throws has failed', async () => {
    const { ask, notes } = drive(tells, { perform: () => Promise.reject(new Error('gone')) })
    expect(await ask('a')).toBe('200 failed')
    expect(notes).toEqual(['store'])
  })

  test('that does not answer in time has failed, and its late answer is dropped', async () => {
    vi.useFakeTimers()
    try {
      let late = (_: Uint8Array) => {}
      const slow = new Promise<Uint8Array>((resolve) => {
        late = resolve
      })
      const { ask } = drive(tells, { perform: () => slow }, 5000)
      const answer = ask('a')
      await vi.advanceTimersByTimeAsync(4999)
      expect(await Promise.race([answer, Promise.resolve('waiting')])).toBe('waiting')
      await vi.advanceTimersByTimeAsync(1)
      expect(await answer).toBe('200 failed')
      late(new Uint8Array([0]))
    } finally {
      vi.useRealTimers()
    }
  })

  test('that is overloaded is not asked again', async () => {
    let calls = 0
    const { ask } = drive(
      function* (batch) {
        for (let count = 0; count < 5; count++) yield readNothing
        return batch.map(() => ok('never'))
      },
      {
        perform: async () => {
          calls += 1
          throw new StoreOverloaded('too many')
        },
      },
    )
    expect(await ask('a')).toBe('503 retry')
    expect(calls).toBe(1)
  })
})

describe('a delivery', () => {
  const send = (target: string): Effect => ({ tag: 'deliver', target, parcel: new TextEncoder().encode('a parcel') })
  /** Rooms of kind `dots` deliver to the target that they are told; others say what they got. */
  const posts: Play = function* (batch, room, kind) {
    const [first] = batch
    if (!first) throw new Error('nobody asks')
    yield readNothing
    if (first.call.tag === 'play') {
      const result = yield send(textOf(first))
      const text = result.tag === 'delivered' ? new TextDecoder().decode(result.receipt) : result.tag
      return batch.map(() => ok(text))
    }
    if (first.call.tag !== 'deliver') throw new Error('only a delivery comes here')
    if (room === 'bad') trap()
    if (room === 'slow') yield readNothing
    if (room === 'refuses') return [{ ...ok('no'), status: 503 }]
    if (room === 'onwards') {
      const result = yield send('dots/onwards')
      return [ok(`${result.tag === 'delivered' ? new TextDecoder().decode(result.receipt) : result.tag}+`)]
    }
    const text = new TextDecoder().decode(first.call.parcel)
    return [ok(`${kind}/${room} by ${first.who === null ? 'nobody' : 'somebody'}: ${text}`)]
  }
  const delivers = new Set(['dots', 'plain'])

  test('is an ask of the same driver, by nobody', async () => {
    const { ask, driver, wasm } = drive(posts, memory, 1000, delivers)
    expect(await ask('plain/target')).toBe('200 plain/target by nobody: a parcel')
    expect(driver.counters).toMatchObject({ requests: 1, invocations: 2, delivered: 1 })
    expect(wasm.live).toBe(0)
  })

  test.each(['other/target', 'plain/refuses', 'nowhere'])(
    'to %s has failed, and the request has not',
    async (target) => {
      const { ask, driver } = drive(posts, memory, 1000, delivers)
      expect(await ask(target)).toBe('200 failed')
      expect(driver.counters.delivered).toBe(0)
    },
  )

  test('has failed on a host that does not deliver', async () => {
    const { ask } = drive(posts)
    expect(await ask('plain/target')).toBe('200 failed')
  })

  test('to a room that traps costs the sender a second run and nothing more', async () => {
    const { ask, driver, wasm } = drive(posts, memory, 1000, delivers)
    expect(await ask('plain/bad')).toBe('200 failed')
    expect(driver.counters.traps).toBe(2)
    expect(wasm.made).toBe(3)
  })

  test('sets off two more at most', async () => {
    const { ask, driver } = drive(posts, memory, 1000, delivers)
    expect(await ask('plain/onwards')).toBe('200 failed++')
    expect(driver.counters).toMatchObject({ requests: 1, invocations: 3 })
  })

  test('to a room that another driver serves is handed there, with how far it has come', async () => {
    const handed: string[] = []
    const { driver } = drive(posts, memory, 1000, delivers, async (kind, name, arrival, hops) => {
      handed.push(`${kind}/${name} ${hops}`)
      return there.driver.receive(kind, name, arrival, hops)
    })
    const there = drive(posts, memory, 1000, delivers, async () => {
      throw new Error('it is not handed on')
    })
    const seenBy = (target: string) => driver.ask('dots', 'here', says(target)).then(seen)
    expect(await seenBy('plain/target')).toBe('200 plain/target by nobody: a parcel')
    expect(await seenBy('plain/refuses')).toBe('200 failed')
    expect(await seenBy('plain/onwards')).toBe('200 failed+')
    expect(handed).toEqual(['plain/target 1', 'plain/refuses 1', 'plain/onwards 1'])
    expect(driver.counters).toMatchObject({ requests: 3, invocations: 3, delivered: 2 })
    expect(there.notes).toEqual(['delivery'])
  })

  test('between two rooms that send each other waits for neither', async () => {
    const { driver } = drive(posts, memory, 60_000, delivers)
    const one = driver.ask('dots', 'one', says('dots/two')).then(seen)
    const two = driver.ask('dots', 'two', says('dots/one')).then(seen)
    expect(await one).toBe('200 dots/two by nobody: a parcel')
    expect(await two).toBe('200 dots/one by nobody: a parcel')
  })

  test('that does not come back in time has failed', async () => {
    const slow: Performer = {
      perform: async (room, asked) => {
        // Each call in time, all of them together not.
        if (room === 'plain/slow') await new Promise((resolve) => setTimeout(resolve, 60))
        return memory.perform(room, asked)
      },
    }
    const { ask, notes } = drive(posts, slow, 100, delivers)
    expect(await ask('plain/slow')).toBe('200 failed')
    expect(notes).toEqual(['delivery'])
  })
})

test('a request that the platform stopped does not stop the room', async () => {
  vi.useFakeTimers()
  try {
    // The first call of the store never comes back, and neither does its timer: as if both were cancelled.
    let calls = 0
    const store: Performer = {
      perform: (room, effect) => (calls++ === 0 ? new Promise(() => {}) : memory.perform(room, effect)),
    }
    const { ask } = drive(echo, store, 1000)
    void ask('stopped')
    vi.clearAllTimers()
    const behind = ask('behind')
    vi.setSystemTime(Date.now() + 6001)
    expect(await ask('later')).toBe('200 later/2')
    expect(await behind).toBe('200 behind/2')
  } finally {
    vi.useRealTimers()
  }
})

test('each request is held until its answer', async () => {
  const { driver } = drive(echo)
  const held: Promise<unknown>[] = []
  const answers = ['a', 'b'].map((text) => driver.ask('dots', ROOM, says(text), (work) => held.push(work)))
  expect(held.length).toBe(2)
  expect((await Promise.all(held)).map((outcome) => seen((outcome as Outcome[])[0] as Outcome))).toEqual([
    '200 a/1',
    '200 b/1',
  ])
  await Promise.all(answers)
})

test('a bad setting is an answer too, and says nothing of itself', async () => {
  const faces = new Faces(() => {
    throw new Error('secret')
  }, '{}')
  const driver = new Driver({ faces, store: memory, store_timeout_ms: 1000 })
  expect(seen(await driver.ask('dots', ROOM, says('a')))).toBe('500 internal')
})
