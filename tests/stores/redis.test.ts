/** Rooms in Redis, over TCP, over HTTP and in a cluster, against the contract of all stores. Real servers. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisClientType, RedisClusterType } from '@redis/client'
import { Redis } from '@upstash/redis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Store } from '../../js-host/src/store'
import { RedisStore } from '../../js-host/src/stores/redis'
import { HTTP, overCluster, overHttp, overTcp } from '../../js-host/src/stores/redis-scripts'
import { storeContract } from '../../js-host/test/store-contract'
import { RACE, race } from './support/race'
import { RedisCluster, RedisServer } from './support/redis-server'
import { RestFront } from './support/rest-front'

let rooms = 0
/** Runs the contract, each promise in a room of its own, by real time. */
function keepsTheContract(store: () => Store): void {
  test.each(storeContract)('$name', async ({ run }) => {
    rooms += 1
    await run({ store: store(), pass: (ms) => sleep(ms), now: Date.now }, `kind/room${rooms}`)
  })
}

let server: RedisServer
let client: RedisClientType

beforeAll(async () => {
  server = await RedisServer.start()
  client = await server.connect()
})
afterAll(async () => {
  await client?.close()
  await server?.stop()
})

describe('p10_redis_over_tcp_keeps_the_contract', () => {
  keepsTheContract(() => new RedisStore(overTcp(client)))
  test(RACE, () => race({ by: 'tcp', ports: [server.port] }, new RedisStore(overTcp(client)), 'kind/raced'))
})

describe('p10_redis_over_http_keeps_the_contract', () => {
  let front: RestFront
  let store: Store
  beforeAll(async () => {
    front = await RestFront.start(client)
    store = new RedisStore(overHttp(new Redis({ url: front.url, token: front.token, ...HTTP })))
  })
  afterAll(() => front?.stop())
  keepsTheContract(() => store)
  test(RACE, () => race({ by: 'http', url: front.url, token: front.token }, store, 'kind/raced-over-http'))
})

describe('p10_redis_cluster_keeps_the_contract', () => {
  let servers: RedisCluster
  let cluster: RedisClusterType
  beforeAll(async () => {
    servers = await RedisCluster.start()
    cluster = await servers.connect()
  })
  afterAll(async () => {
    await cluster?.close()
    await servers?.stop()
  })
  const store = () => new RedisStore(overCluster(cluster as never))
  keepsTheContract(store)
  test(RACE, () => race({ by: 'cluster', ports: servers.servers.map(({ port }) => port) }, store(), 'kind/raced'))
})
