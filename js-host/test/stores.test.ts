/** The stores against their contract, and broken stores against the contract's bite. */

import { describe, expect, test } from 'vitest'
import { equal, type Found, nothing } from '../src/effect'
import { performer, type Store, storeOf } from '../src/store'
import { MemoryStore } from '../src/stores/memory'
import { ObjectStore } from '../src/stores/object'
import { NewerFormat } from '../src/stores/schema'
import { NodeStorage, Objects } from './sqlite'
import { type Subject, storeContract } from './store-contract'

class Clock {
  now_ms = 1_700_000_000_000
  readonly now = () => this.now_ms

  subject(store: Store): Subject {
    const pass = async (ms: number) => {
      this.now_ms += ms
    }
    return { store, now: this.now, pass }
  }
}

const honest: [string, (now: () => number) => Store][] = [
  ['memory', (now) => new MemoryStore(now)],
  ['object over sqlite', (now) => new Objects({ now })],
  ['memory behind bytes', (now) => storeOf(performer(new MemoryStore(now)))],
]

describe.each(honest)('%s', (_, make) => {
  test.each(storeContract)('$name', async ({ run }) => {
    const clock = new Clock()
    await run(clock.subject(make(clock.now)), 'kind/room')
  })
})

/** A memory store with one promise broken by `wrap`. */
function broken(wrap: (inner: MemoryStore) => Partial<Store>): (now: () => number) => Store {
  return (now) => {
    const inner = new MemoryStore(now)
    const { read, append, push, note } = wrap(inner)
    return {
      read: read ?? ((...call) => inner.read(...call)),
      append: append ?? ((...call) => inner.append(...call)),
      push: push ?? ((...call) => inner.push(...call)),
      note: note ?? ((...call) => inner.note(...call)),
    }
  }
}

async function head(inner: MemoryStore, room: string) {
  return (await inner.read(room, { known: nothing(), since: 0, block: null })).head
}

const liars: [string, (now: () => number) => Store][] = [
  [
    'does not check the version',
    broken((inner) => ({
      append: async (room, append, read) => {
        const { v } = await head(inner, room)
        return inner.append(room, { ...append, v: v + 1 }, read)
      },
    })),
  ],
  [
    'does not check the hash',
    broken((inner) => ({
      append: async (room, append, read) => {
        const { hash } = await head(inner, room)
        return inner.append(room, { ...append, previous: hash }, read)
      },
    })),
  ],
  [
    'removes framed items though the append was lost',
    broken((inner) => {
      const gone = new Set<number>()
      const without = (found: Found) => ({ ...found, inbox: found.inbox.filter((item) => !gone.has(item.id)) })
      return {
        read: async (...call) => without(await inner.read(...call)),
        append: async (room, append, read) => {
          for (const id of append.framed) gone.add(id)
          const { appended, found } = await inner.append(room, append, read)
          return { appended, found: without(found) }
        },
      }
    }),
  ],
  [
    'checks, waits, then writes',
    broken((inner) => ({
      append: async (room, append, read) => {
        const before = await head(inner, room)
        const next = before.v + 1 === append.v && equal(before.hash, append.previous)
        await new Promise((done) => setImmediate(done))
        if (next) await inner.append(room, append, read)
        return { appended: next, found: await inner.read(room, read) }
      },
    })),
  ],
  [
    'takes a part of a push',
    broken((inner) => ({
      push: async (room, items, read) => {
        let full = false
        for (const item of items) full = (await inner.push(room, [item], read)).full
        return { full, found: await inner.read(room, read) }
      },
    })),
  ],
  [
    'does not compare the record',
    broken((inner) => ({
      note: async (room, note, read) => {
        const { attempt } = await inner.read(room, read)
        return inner.note(room, { ...note, was: attempt }, read)
      },
    })),
  ],
  [
    'leaves the record alone when it appends',
    broken((inner) => ({ append: (room, append, read) => inner.append(room, { ...append, note: null }, read) })),
  ],
  [
    'reads before it writes',
    broken((inner) => ({
      append: async (room, append, read) => {
        const found = await inner.read(room, read)
        return { appended: (await inner.append(room, append, read)).appended, found }
      },
    })),
  ],
]

describe.each(liars)('a store that %s', (_, make) => {
  test('fails the contract', async () => {
    const failed: string[] = []
    for (const { name, run } of storeContract) {
      const clock = new Clock()
      await run(clock.subject(make(clock.now)), 'kind/room').catch(() => failed.push(name))
    }
    expect(failed).not.toEqual([])
    // It is broken in one way, not useless.
    expect(failed.length).toBeLessThan(storeContract.length / 2)
  })
})

describe('an object', () => {
  const read = { known: nothing(), since: 0, block: null }
  const first = {
    v: 1,
    previous: nothing().hash,
    hash: new Uint8Array(16).fill(1),
    frame: new Uint8Array([1]),
    published: new Uint8Array([2]),
    lease_ms: 100,
    framed: [1],
    snapshot: new Uint8Array([2]),
    note: { was: null, now: new Uint8Array([3]) },
  }

  test('writes nothing when it is only read', async () => {
    const objects = new Objects({})
    await objects.read('kind/room', read)
    const tables = objects.storages.get('kind/room')?.database.prepare('SELECT * FROM sqlite_schema').all()
    expect(tables).toEqual([])
  })

  test('leaves no trace of an append that failed at any statement', async () => {
    for (let statements = 0; ; statements++) {
      const storage = new NodeStorage()
      const appended: Uint8Array[] = []
      const store = new ObjectStore(storage, { now: () => 5, appended: (frame) => appended.push(frame) })
      await store.push('kind/room', [new Uint8Array([9])], read)
      const before = await store.read('kind/room', read)
      storage.failAfter = statements
      const failed = await store.append('kind/room', first, read).then(
        () => false,
        () => true,
      )
      const inWrite = storage.failAfter === 0 && appended.length === 0
      storage.failAfter = -1
      if (!failed) break
      if (inWrite) expect(await store.read('kind/room', read)).toEqual(before)
      const { found } = await store.append('kind/room', first, read)
      expect(found.inbox).toEqual([])
      expect(found.head.v).toBe(1)
      expect(appended.length).toBe(1)
      expect(statements).toBeLessThan(40)
    }
  })

  test('that failed to make its tables makes them the next time', async () => {
    const storage = new NodeStorage()
    const store = new ObjectStore(storage)
    storage.failAfter = 9
    await expect(store.append('kind/room', first, read)).rejects.toThrow()
    storage.failAfter = -1
    expect((await store.read('kind/room', read)).head.v).toBe(0)
    expect((await store.append('kind/room', first, read)).appended).toBe(true)
  })

  test('does not lengthen a lease when its clock is set back', async () => {
    let now_ms = 1_000_000
    const store = new ObjectStore(new NodeStorage(), { now: () => now_ms })
    await store.append('kind/room', first, read)
    now_ms -= 60_000
    expect((await store.read('kind/room', read)).lease).toEqual({ v: 1, left_ms: 100 })
  })

  test('refuses storage of a newer format and does not touch it', async () => {
    const storage = new NodeStorage()
    await new ObjectStore(storage).append('kind/room', first, read)
    storage.database.exec('UPDATE room SET format = 2')
    const store = new ObjectStore(storage)
    await expect(store.read('kind/room', read)).rejects.toThrow(NewerFormat)
    await expect(store.append('kind/room', { ...first, v: 2 }, read)).rejects.toThrow(NewerFormat)
    await expect(store.push('kind/room', [], read)).rejects.toThrow(NewerFormat)
    await expect(store.note('kind/room', first.note, read)).rejects.toThrow(NewerFormat)
    expect(storage.database.prepare('SELECT head_v FROM room').get()).toEqual({ head_v: 1 })
  })

  test('refuses to be another room', async () => {
    const storage = new NodeStorage()
    const store = new ObjectStore(storage)
    await store.append('kind/room', first, read)
    await expect(store.read('kind/other', read)).rejects.toThrow()
  })

  test('finds a snapshot only if its frame has its hash', async () => {
    const storage = new NodeStorage()
    const store = new ObjectStore(storage)
    await store.append('kind/room', first, read)
    const unknown = { known: { v: 9, hash: first.hash }, since: 9, block: null }
    expect((await store.read('kind/room', unknown)).snapshot).toEqual(first.snapshot)
    storage.database.exec("UPDATE snapshots SET hash = x'00'")
    expect((await store.read('kind/room', unknown)).snapshot).toBeNull()
  })

  test('keeps two snapshots, and as many rows of frames as the ring has', async () => {
    const storage = new NodeStorage()
    const store = new ObjectStore(storage)
    let previous = nothing().hash
    for (let v = 1; v <= 1000; v++) {
      const hash = new Uint8Array(16).fill(v % 251)
      const snapshot = v % 64 === 0 ? new Uint8Array([v % 251]) : null
      await store.append('kind/room', { ...first, v, previous, hash, framed: [], snapshot }, read)
      previous = hash
    }
    const count = (table: string) => storage.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()
    expect(count('ring')).toEqual({ n: 512 })
    expect(count('snapshots')).toEqual({ n: 2 })
    expect(count('archive')).toEqual({ n: 15 })
  })

  test('tells once what is published of each frame', async () => {
    const told: Uint8Array[] = []
    const store = new ObjectStore(new NodeStorage(), { appended: (published) => told.push(published) })
    await store.append('kind/room', first, read)
    await store.append('kind/room', first, read)
    await store.append('kind/room', { ...first, hash: new Uint8Array(16) }, read)
    expect(told).toEqual([first.published])
  })
})
