/** Every host and store that runs on a desktop, as a bench starts and ends them. Decides how; measures nothing. */

import { NodeProcess } from '../../tests/e2e/support/node-host'
import { RedisServer } from '../../tests/stores/support/redis-server'
import { RestFront } from '../../tests/stores/support/rest-front'
import { startBaton } from './server'

/** A host that answers, on some store. */
export interface Host {
  /** Its processes: each is asked in turn. */
  urls: string[]
  pids: number[]
  stop(): Promise<void>
}

/** How one is started; `rooms`: the config of Contagion's rooms. */
export interface Way {
  name: string
  /** How many processes answer. */
  processes: number
  start(rooms: object): Promise<Host>
}

/** One process of Node with its rooms in memory. */
export const nodeOnMemory: Way = {
  name: 'Node, memory',
  processes: 1,
  start: (rooms) => node(1, 'memory', rooms, async () => {}),
}

/** Processes of Node on one Redis. */
export function nodeOnRedis(processes: number): Way {
  return {
    name: `Node x ${processes}, Redis`,
    processes,
    start: async (rooms) => {
      const redis = await RedisServer.start()
      return node(processes, `redis://127.0.0.1:${redis.port}`, rooms, () => redis.stop())
    },
  }
}

/** Workers under plain workerd, on Durable Objects. */
export function workers(mode: 'embedded' | 'stateless'): Way {
  return {
    name: `workerd, object, ${mode}`,
    processes: 1,
    start: (rooms) => workerd(mode, rooms, {}, async () => {}),
  }
}

/** Workers on Redis over HTTP, through the front that the tests have for that. */
export const workersOnRedis: Way = {
  name: 'workerd, Redis over HTTP',
  processes: 1,
  start: async (rooms) => {
    const redis = await RedisServer.start()
    const front = await RestFront.start(await redis.connect())
    const variables = { BATON_STORE: front.url, BATON_STORE_TOKEN: front.token }
    return workerd('stateless', rooms, variables, async () => {
      await front.stop()
      await redis.stop()
    })
  },
}

async function node(count: number, store: string, rooms: object, then: () => Promise<void>): Promise<Host> {
  const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: rooms } }) }
  const all = await Promise.all(Array.from({ length: count }, () => NodeProcess.start(store, variables)))
  const stop = async () => {
    await Promise.all(all.map((process) => process.end('SIGKILL')))
    await then()
  }
  return { urls: all.map(({ url }) => url), pids: all.map(({ pid }) => pid), stop }
}

async function workerd(
  mode: 'embedded' | 'stateless',
  rooms: object,
  variables: Record<string, string>,
  then: () => Promise<void>,
): Promise<Host> {
  const server = await startBaton(mode, { contagion: rooms }, variables)
  const stop = async () => {
    await server.stop()
    await then()
  }
  return { urls: [server.origin], pids: [server.pid], stop }
}
