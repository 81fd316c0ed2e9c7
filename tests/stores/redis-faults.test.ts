/** What is Redis's own: round trips, lost scripts, lost keys, cut connections; and scripts that lie. */

import type { RedisClientType } from '@redis/client'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Append, nothing, type Read } from '../../js-host/src/effect'
import { RING, SEGMENT } from '../../js-host/src/limits'
import { StoreOverloaded } from '../../js-host/src/store'
import { RedisStore, type Scripts } from '../../js-host/src/stores/redis'
import { keysOf } from '../../js-host/src/stores/redis-script'
import { overTcp } from '../../js-host/src/stores/redis-scripts'
import { storeContract } from '../../js-host/test/store-contract'
import { FaultProxy } from './support/fault-proxy'
import { RedisServer } from './support/redis-server'

let server: RedisServer
let client: RedisClientType
let rooms = 0

beforeAll(async () => {
  server = await RedisServer.start()
  client = await server.connect()
})
afterAll(async () => {
  await client?.close()
  await server?.stop()
})

function fresh(scripts: Scripts = overTcp(client)): [RedisStore, string] {
  rooms += 1
  return [new RedisStore(scripts), `kind/own${rooms}`]
}

function hashOf(v: number, branch = 0): Uint8Array {
  if (v === 0) return nothing().hash
  const hash = new Uint8Array(16).fill(branch + 1)
  new DataView(hash.buffer).setUint32(0, v)
  return hash
}

function append(v: number, more: Partial<Append> = {}): Append {
  const frame = new Uint8Array([...hashOf(v), 0, 255])
  const usual = { previous: hashOf(v - 1), hash: hashOf(v), frame, published: new Uint8Array(), lease_ms: 60_000 }
  return { v, ...usual, framed: [], snapshot: null, note: null, ...more }
}

function read(v = 0): Read {
  return { known: { v, hash: hashOf(v) }, since: v, block: null }
}

async function grow(store: RedisStore, room: string, to: number): Promise<void> {
  for (let v = 1; v <= to; v++) expect((await store.append(room, append(v), read(v))).appended).toBe(true)
}

/** How many scripts the server ran. */
async function runs(): Promise<number> {
  const stats = String(await client.sendCommand(['INFO', 'commandstats']))
  const counts = [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].map(([, calls]) => Number(calls))
  return counts.reduce((sum, calls) => sum + calls, 0)
}

test('a_call_is_one_round_trip_and_the_end_of_a_segment_two', async () => {
  const [store, room] = fresh()
  await store.read(room, read())
  const before = await runs()
  const took = async (work: () => Promise<unknown>) => {
    const began = await runs()
    await work()
    return (await runs()) - began
  }
  expect(await took(() => store.read(room, read()))).toBe(1)
  expect(await took(() => store.push(room, [new Uint8Array([1])], read()))).toBe(1)
  expect(await took(() => store.note(room, { was: null, now: null }, read()))).toBe(1)
  for (let v = 1; v < SEGMENT; v++) await store.append(room, append(v), read(v))
  expect((await runs()) - before).toBe(3 + SEGMENT - 1)
  expect(await took(() => store.append(room, append(SEGMENT), read()))).toBe(2)
})

test('a_server_that_lost_its_scripts_is_given_them_again', async () => {
  const [store, room] = fresh()
  await grow(store, room, 2)
  await client.sendCommand(['SCRIPT', 'FLUSH'])
  await store.append(room, append(3), read(3))
  expect((await store.read(room, read(3))).head.v).toBe(3)
})

test('a_head_that_was_evicted_is_made_again_from_the_streams', async () => {
  const [store, room] = fresh()
  await grow(store, room, 3)
  await store.push(room, [new Uint8Array([1, 2, 3]), new Uint8Array([4])], read(3))
  await store.append(room, append(4, { framed: [2] }), read(3))
  const { clock_ms: _, lease: __, ...before } = await store.read(room, read(1))
  const [head = '', , , lease = ''] = keysOf('baton:', room)
  await client.del([head, lease])
  const { clock_ms, lease: gone, ...after } = await store.read(room, read(1))
  expect(after).toEqual(before)
  expect([clock_ms !== null, gone]).toEqual([true, null])
  expect((await store.append(room, append(4, { hash: hashOf(4, 1) }), read(3))).appended).toBe(false)
  const { found } = await store.push(room, [new Uint8Array([5])], read(4))
  expect(found.inbox.map(({ id }) => id)).toEqual([1, 3])
})

test('a_lease_is_released_by_the_frame_that_renewed_it_alone', async () => {
  const [store, room] = fresh()
  await grow(store, room, 2)
  await store.release(room, 1)
  expect((await store.read(room, read(2))).lease?.v).toBe(2)
  await store.release(room, 2)
  expect((await store.read(room, read(2))).lease).toBeNull()
})

/** Else two would lead for its last millisecond, the one by right and the other by what it read. */
test('a_lease_is_told_of_until_it_is_gone', async () => {
  const [store, room] = fresh()
  const lease = keysOf('baton:', room)[3] ?? ''
  for (let v = 1; v <= 40; v += 1) {
    await store.append(room, append(v, { lease_ms: 5 }), read(v))
    for (let held = true; held; held = (await store.read(room, read(v))).lease !== null);
    expect(await client.exists(lease), `lease ${v}`).toBe(0)
  }
})

test('a_log_that_was_evicted_is_an_empty_room_and_nothing_of_the_old_one_comes_back', async () => {
  const [store, room] = fresh()
  for (let v = 1; v <= RING + SEGMENT; v++) {
    const snapshot = v % SEGMENT === 0 ? new Uint8Array([v & 255]) : null
    await store.append(room, append(v, { snapshot }), read(v))
  }
  const [, log = ''] = keysOf('baton:', room)
  await client.del(log)
  expect(await store.read(room, read(RING + SEGMENT))).toMatchObject({ head: nothing(), known: null, frames: [] })
  // Another history, with other frames.
  const anew = (v: number) => {
    const frame = new Uint8Array([...hashOf(v, 5), 9])
    return append(v, { previous: v === 1 ? nothing().hash : hashOf(v - 1, 5), hash: hashOf(v, 5), frame })
  }
  for (let v = 1; v <= RING + SEGMENT; v++) expect((await store.append(room, anew(v), read())).appended).toBe(true)
  const { block, snapshot, frames } = await store.read(room, { ...read(), block: SEGMENT })
  expect([block?.[0]?.at(-1), block?.length, snapshot, frames.length]).toEqual([9, SEGMENT, null, RING + SEGMENT])
})

test('frames_leave_the_stream_when_they_are_archived_and_no_place_is_taken_again', async () => {
  const [store, room] = fresh()
  await grow(store, room, RING + 2 * SEGMENT)
  const [, log = ''] = keysOf('baton:', room)
  expect(await client.xLen(log)).toBe(RING)
  for (const v of [1, SEGMENT, 2 * SEGMENT]) {
    expect((await store.append(room, append(v, { hash: hashOf(v, 3) }), read())).appended).toBe(false)
  }
  const { block } = await store.read(room, { ...read(), block: SEGMENT })
  expect(block?.map((frame) => frame.slice(0, 16))).toEqual(Array.from({ length: SEGMENT }, (_, at) => hashOf(at + 1)))
})

test('what_could_not_be_archived_stays_and_is_archived_later', async () => {
  const seals: string[] = []
  const scripts = overTcp(client)
  const [store, room] = fresh({
    run: async (script, keys, args) => {
      if (args[0] === 'seal') {
        seals.push(args[10] ?? '')
        if (seals.length < 3) throw new Error('cut')
      }
      return scripts.run(script, keys, args)
    },
  })
  await grow(store, room, RING + 5 * SEGMENT)
  expect(seals.slice(0, 4)).toEqual(['1', '1', '1', '2'])
  const found = await store.read(room, { ...read(), block: SEGMENT })
  expect(found.block?.length).toBe(SEGMENT)
  expect(found.frames.length).toBe(RING + 5 * SEGMENT)
})

test('a_connection_cut_before_or_after_the_write_is_unknown_and_a_read_tells', async () => {
  const proxy = await FaultProxy.start(server.port)
  const through = createClient({ socket: { host: '127.0.0.1', port: proxy.port }, disableOfflineQueue: true })
  through.on('error', () => {})
  await through.connect()
  const [store, room] = fresh(overTcp(through as never))
  const again = async () => {
    while (!through.isReady) await new Promise((later) => setTimeout(later, 10))
  }
  await grow(store, room, 1)
  for (const [cut, done] of [
    ['before', false],
    ['after', true],
  ] as const) {
    const { head } = await store.read(room, read())
    proxy.cut = cut
    await expect(store.append(room, append(head.v + 1), read(head.v))).rejects.toThrow()
    await again()
    const found = await store.read(room, read(head.v))
    expect(found.head.v).toBe(head.v + Number(done))
    expect((await store.append(room, append(head.v + 1), read(head.v))).appended).toBe(true)
    expect((await store.read(room, read())).head.v).toBe(head.v + 1)
  }
  proxy.cut = 'after'
  await expect(store.push(room, [new Uint8Array([7])], read())).rejects.toThrow()
  await again()
  await store.push(room, [new Uint8Array([7])], read())
  expect((await store.read(room, read())).inbox.map(({ id }) => id)).toEqual([1, 2])
  through.destroy()
  await proxy.stop()
})

test('a_server_that_is_full_says_so_and_nothing_changed', async () => {
  const [store, room] = fresh()
  await grow(store, room, 1)
  await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '1'])
  try {
    await expect(store.append(room, append(2), read(1))).rejects.toThrow(StoreOverloaded)
    expect((await store.read(room, read(1))).head.v).toBe(1)
  } finally {
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '0'])
  }
  expect((await store.append(room, append(2), read(1))).appended).toBe(true)
})

const LIES: [string, string, string][] = [
  ['does not check the hash', 'if at == v + 1 and ARGV[12] == hash then', 'if at == v + 1 then'],
  ['does not check the version', 'if at == v + 1 and ARGV[12] == hash then', 'if at > v and ARGV[12] == hash then'],
  ['takes the same frame for a rival', 'if there and there.h == ARGV[13] then done = 1 end', ''],
  ['takes a rival for the same frame', 'if there and there.h == ARGV[13] then', 'if there then'],
  ['keeps a lease for ever', "'PX', ARGV[15])", "'PX', '600000')"],
  ['removes every item', "redis.call('XDEL', inbox, key)", "redis.call('DEL', inbox)"],
  ['removes no item', "redis.call('XDEL', inbox, key)", ''],
  ['replaces any record', 'if attempt == was then attempt = now end', 'attempt = now'],
  ['takes a note after another frame', 'if known_v == v and known_hash == hash then', 'if true then'],
  ['bounds no inbox in bytes', 'and bytes + more <= MAX_BYTES then', 'then'],
  ['bounds no inbox in items', "redis.call('XLEN', inbox) + #ARGV - 10 <= MAX_ITEMS and", ''],
  ['calls nothing trimmed', 'local trimmed = known_v > 0 and known_v <= v - RING', 'local trimmed = false'],
  ['hands out frames without end', 'if size > RECENT_BYTES then return all end', ''],
  ['forgets what it should archive', "redis.call('HSETNX', archive, ARGV[11], ARGV[13])", ''],
  ['stamps nothing', "string.format('%d', now_ms)", "'0'"],
  [
    'gives the oldest snapshot',
    'return tonumber(one) > tonumber(other) end)\n  for _, key',
    'return tonumber(one) < tonumber(other) end)\n  for _, key',
  ],
]

describe('p10_a_script_that_lies_fails_the_contract', () => {
  test.each(LIES)('%s', async (_, honest, lie) => {
    const scripts = overTcp(client)
    const lying: Scripts = {
      run: (script, keys, args) => {
        const told = script.replace(honest, () => lie)
        if (told === script) throw new Error('there is nothing to lie about')
        return scripts.run(told, keys, args)
      },
    }
    const failed: string[] = []
    for (const { name, run } of storeContract) {
      const [store, room] = fresh(lying)
      const pass = (ms: number) => new Promise<void>((later) => setTimeout(later, ms))
      await run({ store, pass, now: Date.now }, room).catch(() => failed.push(name))
      if (failed.length > 0) break
    }
    expect(failed.length).toBeGreaterThan(0)
  })
})
