/** The Durable Object as a store, in workerd: the same contract as every store, and what only real objects show. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes, decode, encode, list } from '../../js-host/src/codec'
import * as wire from '../../js-host/src/effect'
import { type Append, nothing } from '../../js-host/src/effect'
import { type Store, storeOf } from '../../js-host/src/store'
import { storeContract } from '../../js-host/test/store-contract'
import { RACE, race } from '../stores/support/race'
import { type Server, startServer } from './server'

const MAIN = 'tests/workers/store.ts'

let server: Server
let store: Store
let storage: string

beforeAll(async () => {
  storage = mkdtempSync(join(tmpdir(), 'baton-store-'))
  server = await startServer({ mode: 'stateless', main: MAIN, storage })
  store = storeOf({ perform: async (room, effect) => (await performAll(room, [effect]))[0] ?? new Uint8Array() })
})
afterAll(async () => {
  await server?.stop()
  rmSync(storage, { recursive: true, force: true })
})

/** Performs effects one after the other, in one request. */
async function performAll(room: string, effects: Uint8Array[]): Promise<Uint8Array[]> {
  const body = encode(list(bytes), effects) as Uint8Array<ArrayBuffer>
  const response = await fetch(`${server.url}/${encodeURIComponent(room)}`, { method: 'POST', body })
  if (response.status !== 200) throw new Error(await response.text())
  return decode(list(bytes), new Uint8Array(await response.arrayBuffer()))
}

/** A few hundred calls of an object are as many as one request may make. */
const MOST = 200

async function appendAll(room: string, appends: Append[]): Promise<boolean[]> {
  const read = { known: nothing(), since: Number.MAX_SAFE_INTEGER, block: null }
  const effects = appends.map((append) =>
    encode(wire.effect, { tag: 'append', append, read: { ...read, known: { v: append.v, hash: append.hash } } }),
  )
  const appended: boolean[] = []
  for (let at = 0; at < effects.length; at += MOST) {
    for (const result of await performAll(room, effects.slice(at, at + MOST))) {
      const fed = decode(wire.fed, result)
      appended.push(fed.tag === 'appended' && fed.appended)
    }
  }
  return appended
}

describe('an object in workerd', () => {
  test.each(storeContract.map((each, at) => ({ ...each, room: `kind/room-${at}` })))('$name', async ({ run, room }) => {
    await run({ store, now: Date.now, pass: sleep, appendAll }, room)
  })
})

test(RACE, async () => {
  // Each of them is a request through wrangler: a thousand take minutes.
  const versions = process.env.BATON_SOAK ? 1_000 : 200
  await race({ by: 'effects', url: `${server.url}/kind%2Fraced` }, store, 'kind/raced', versions)
})

test('what was appended is there after a restart', async () => {
  const room = 'kind/kept'
  const read = { known: nothing(), since: 0, block: null }
  const hash = new Uint8Array(16).fill(1)
  const frame = new Uint8Array([1, 2, 3])
  const append = {
    v: 1,
    previous: nothing().hash,
    hash,
    frame,
    published: frame,
    lease_ms: 60_000,
    framed: [],
    note: null,
    snapshot: frame,
  }
  await store.append(room, append, read)
  await store.push(room, [frame], read)
  const before = await store.read(room, read)
  await server.stop()
  server = await startServer({ mode: 'stateless', main: MAIN, storage })
  const after = await store.read(room, read)
  expect({ ...after, clock_ms: 0, lease: after.lease?.v }).toEqual({ ...before, clock_ms: 0, lease: before.lease?.v })
})
