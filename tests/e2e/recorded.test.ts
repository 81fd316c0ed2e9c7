/**
 * The recorded match in every store, under every host: each replays it to the recorded hashes and goes on from it, and
 * what it commits next is what another engine computes. What a host replays wrongly it does not go on from.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { blake3 } from '@noble/hashes/blake3.js'
import { expect, test } from 'vitest'
import { bytes, decode, encode, list } from '../../js-host/src/codec'
import { Driver } from '../../js-host/src/driver'
import { Faces } from '../../js-host/src/load/face'
import { facesOfFile } from '../../js-host/src/load/wasm-node'
import { createRouter } from '../../js-host/src/router'
import { Sessions } from '../../js-host/src/session'
import { settingsOf } from '../../js-host/src/settings'
import { performer, storeOf } from '../../js-host/src/store'
import { MemoryStore } from '../../js-host/src/stores/memory'
import { RedisStore } from '../../js-host/src/stores/redis'
import { overTcp } from '../../js-host/src/stores/redis-scripts'
import { RedisServer } from '../stores/support/redis-server'
import { RestFront } from '../stores/support/rest-front'
import { startServer, TEST_KEYS } from './server'
import { Bot } from './support/bot'
import { goesOn } from './support/goes-on'
import { NodeProcess } from './support/node-host'
import { frames, put } from './support/recorded'
import { frame } from './wire'

const ROOM = 'contagion/recorded'
/** More than the match has: whoever comes gets its frames, not what they come to. */
const variables = { BATON_ROOMS: JSON.stringify({ recent: 512 }) }
const WASM = pathToFileURL(resolve(import.meta.dirname, '../../js-host/dist/wasm/server/baton_server_bg.wasm'))

/** A host on a store that holds these frames; tells where it is, and is gone when `play` has ended. */
type Place = (all: Uint8Array[], play: (url: string, send?: Bot['send']) => Promise<void>) => Promise<void>

/** The single server's parts in this process: what it keeps in memory cannot be put there from outside. */
const memory: Place = async (all, play) => {
  const store = new MemoryStore()
  await put(store, ROOM, all)
  const settings = settingsOf({ BATON_KEYS: TEST_KEYS, ...variables })
  const faces = new Faces(facesOfFile(WASM), settings.rooms)
  const driver = new Driver({ faces, store: performer(store), store_timeout_ms: settings.store_timeout_ms })
  const router = createRouter({
    settings,
    callers: await Sessions.open(settings.keys, settings.audience),
    kinds: new Set(faces.current().kinds()),
    personal: new Set(faces.current().personalKinds()),
    holds: false,
    ask: (kind, name, arrival) => driver.ask(kind, name, arrival),
    live: null,
    stream: null,
    address: () => null,
    health: () => ({}),
    page: async () => new Response(),
  })
  await play('http://memory', async (url, init) => router.fetch(new Request(url, init)))
}

const onRedis =
  (host: (redis: RedisServer, play: (url: string) => Promise<void>) => Promise<void>): Place =>
  async (all, play) => {
    const redis = await RedisServer.start()
    try {
      const client = await redis.connect()
      await put(new RedisStore(overTcp(client)), ROOM, all)
      await client.close()
      await host(redis, play)
    } finally {
      await redis.stop()
    }
  }

const node = onRedis(async (redis, play) => {
  const host = await NodeProcess.start(`redis://127.0.0.1:${redis.port}`, variables)
  await play(host.url).finally(() => host.end())
})

const workersRedis = onRedis(async (redis, play) => {
  const front = await RestFront.start(await redis.connect())
  const reach = { BATON_STORE: front.url, BATON_STORE_TOKEN: front.token }
  const server = await startServer({ mode: 'stateless', variables: { ...variables, ...reach } })
  await play(server.url).finally(() => server.stop())
  await front.stop()
})

const workers =
  (mode: 'embedded' | 'stateless'): Place =>
  async (all, play) => {
    const storage = mkdtempSync(join(tmpdir(), 'baton-recorded-'))
    try {
      // The same objects under a Worker that hands them their frames.
      const before = await startServer({ mode: 'stateless', main: 'tests/workers/store.ts', storage })
      const perform = async (room: string, effect: Uint8Array) => {
        const body = encode(list(bytes), [effect]) as Uint8Array<ArrayBuffer>
        const answer = await fetch(`${before.url}/${encodeURIComponent(room)}`, { method: 'POST', body })
        return decode(list(bytes), new Uint8Array(await answer.arrayBuffer()))[0] ?? new Uint8Array()
      }
      await put(storeOf({ perform }), ROOM, all).finally(() => before.stop())
      const server = await startServer({ mode, storage, variables })
      await play(server.url).finally(() => server.stop())
    } finally {
      rmSync(storage, { recursive: true, force: true })
    }
  }

const PLACES: [string, Place][] = [
  ['one_process_with_its_rooms_in_memory', memory],
  ['node_on_redis', node],
  ['workers_on_redis_over_http', workersRedis],
  ['workers_with_the_handler_in_the_object', workers('embedded')],
  ['workers_without_state_before_the_object', workers('stateless')],
]

test.each(PLACES)('x4_the_recorded_match_goes_on_from_the_same_hash_on_%s', async (_, place) => {
  await place(frames, (url, send = fetch) => goesOn(url, ROOM, send))
})

/** The same match with another state hash in one frame, chained anew from there on. */
function forged(at: number): Uint8Array[] {
  const all = frames.slice(0, at - 1)
  for (const stored of frames.slice(at - 1)) {
    const read = decode(frame, stored)
    const previous = blake3(all.at(-1) ?? new Uint8Array()).subarray(0, 16)
    const state = all.length === at - 1 ? previous : read.state
    all.push(encode(frame, { ...read, previous, state }))
  }
  return all
}

test.each(PLACES.slice(0, 2))('what_replays_to_another_hash_is_not_gone_on_from_on_%s', async (_, place) => {
  await place(forged(100), async (url, send) => {
    const bot = await Bot.of(url, 'recorded', send)
    for (let turn = 0; turn < 3; turn += 1) await bot.ask()
    expect(bot.replica.version()).toBe(0)
  })
})
