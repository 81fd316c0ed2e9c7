/** Rooms in Devvit's Redis, by the platform's own packages over a real one, against the contract of all stores. */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nothing } from '../../js-host/src/effect'
import { storeOf } from '../../js-host/src/store'
import { storeContract, type Traits } from '../../js-host/test/store-contract'
import { RACE, race } from '../stores/support/race'
import { RedisServer } from '../stores/support/redis-server'
import { localDevvit, newStore, ROOT } from './support/keys'

/** It has no clock, keeps whole segments, and a call carries five megabytes. */
const TRAITS: Partial<Traits> = {
  clock: false,
  ring: null,
  recent_bytes: null,
  large_bytes: 30_000,
  inbox_bytes: 3_000_000,
}

let server: RedisServer
let url: string
let devvit: Awaited<ReturnType<typeof localDevvit>>

beforeAll(async () => {
  server = await RedisServer.start()
  url = `redis://127.0.0.1:${server.port}`
  devvit = await localDevvit(url)
})
afterAll(async () => {
  devvit?.close()
  await server?.stop()
})

function keepsTheContract(kind: string): void {
  let rooms = 0
  test.each(storeContract)('$name', async ({ run }) => {
    rooms += 1
    const store = storeOf(newStore())
    await run({ store, traits: TRAITS, pass: (ms) => sleep(ms), now: Date.now }, `${kind}/room${rooms}`)
  })
}

describe('p10_devvit_keeps_the_contract', () => {
  keepsTheContract('kind')
  test(RACE, () => race({ by: 'devvit', url, root: ROOT }, storeOf(newStore()), 'kind/raced'))
})

// The platform may switch it off for an app.
describe('p10_devvit_keeps_the_contract_without_hmget', () => {
  beforeAll(() => devvit.rpc.trouble.change({ refuse: 1, only: ['HMGet'] }))
  afterAll(() => devvit.rpc.trouble.change({ refuse: 0, only: [] }))
  keepsTheContract('plain')
})

test('p10_installations_do_not_see_each_others_rooms', async () => {
  const [one, other] = [storeOf(newStore('one')), storeOf(newStore('other'))]
  const read = { known: nothing(), since: 0, block: null }
  await one.push('kind/both', [new Uint8Array([1])], read)
  expect((await one.read('kind/both', read)).inbox).toHaveLength(1)
  expect((await other.read('kind/both', read)).inbox).toHaveLength(0)
})
