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
  /** Of its store, where that is a process of its own. */
  store: number[]
  stop(): Promise<void>
}

/** How one is started; `rooms`: the config of Contagion's rooms. */
export interface Way {
  name: string
  /** How many processes answer. */
  processes: number
  start(rooms: object): Promise<Host>
}

/** Of processes of Node there may be `more` settings. */
export interface NodeWay extends Way {
  start(rooms: object, more?: Record<string, string>): Promise<Host>
}

/** One process of Node with its rooms in memory. */
export const nodeOnMemory: Way = {
  name: 'Node, memory',
  processes: 1,
  start: (rooms) => node(1, 'memory', rooms),
}

/** Processes of Node on one Redis. */
export function nodeOnRedis(processes: number): NodeWay {
  return {
    name: `Node x ${processes}, Redis`,
    processes,
    start: async (rooms, more) => {
      const redis = await RedisServer.start()
      return node(processes, `redis://127.0.0.1:${redis.port}`, rooms, redis, more)
    },
  }
}

/** Workers under plain workerd, on Durable Objects. */
export function workers(mode: 'embedded' | 'stateless'): Way {
  return {
    name: `workerd, object, ${mode}`,
    processes: 1,
    start: async (rooms) => {
      const server = await startBaton(mode, { contagion: rooms })
      return { urls: [server.origin], pids: [server.pid], store: [], stop: () => server.stop() }
    },
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
    const server = await startBaton('stateless', { contagion: rooms }, variables)
    const stop = async () => {
      await server.stop()
      await front.stop()
      await redis.stop()
    }
    return { urls: [server.origin], pids: [server.pid], store: [redis.process.pid ?? 0], stop }
  },
}

async function node(count: number, store: string, rooms: object, redis?: RedisServer, more = {}): Promise<Host> {
  const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: rooms } }), ...more }
  const all = await Promise.all(Array.from({ length: count }, () => NodeProcess.start(store, variables)))
  const stop = async () => {
    await Promise.all(all.map((process) => process.end('SIGKILL')))
    await redis?.stop()
  }
  const pid = redis?.process.pid
  return { urls: all.map(({ url }) => url), pids: all.map(({ pid }) => pid), store: pid ? [pid] : [], stop }
}
