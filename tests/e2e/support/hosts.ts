/**
 * A host that a test can start again with the rooms it had: Workers in both modes, sixteen processes of Node on one Redis,
 * whose clocks are ten minutes apart, or four of the app for Devvit. What its processes and its store may lose, a test can
 * take away; and it can read a room's log where that lies. Must not know what is tested.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient, type RedisClientType } from '@redis/client'
import { NO_FAULTS } from '../../../js-host/devvit/local/faults.ts'
import { bytes, decode, list } from '../../../js-host/src/codec'
import { SEGMENT } from '../../../js-host/src/limits'
import { TROUBLE } from '../../devvit/support/app'
import { DevvitFront } from '../../devvit/support/front'
import { slotsOf } from '../../devvit/support/log'
import { FaultProxy } from '../../stores/support/fault-proxy'
import { RedisServer } from '../../stores/support/redis-server'
import { type Build, startServer } from '../server'
import type { Send } from './exchange'
import { NodeFleet } from './node-host'
import { type Logged, logged, logOf } from './room-log'

export const PROCESSES = 16
/** How wrong the clocks of a fleet are, in turn, in milliseconds. */
export const SKEWS_MS = [-600_000, 0, 600_000]
/** Of so many requests to a fleet in trouble, one cuts a connection to the store. */
const CUT_EVERY = 9
/** Longer than a call of a Devvit in trouble may be late. */
const LATE_MS = 1_000
/** The operator's key of Workers, whose store nobody else reads. */
const OPERATOR = 'operator'.padEnd(43, '0')

export const HOSTS = ['embedded', 'stateless', 'sixteen processes of Node', 'four processes of Devvit'] as const
export type HostName = (typeof HOSTS)[number]

/** What runs now. */
interface Running {
  url: string
  send: Send
  stop(): Promise<void>
  /** Kills one process; another takes its place. */
  kill(): Promise<void>
}

/** What lies under it, and stays. */
interface Ground {
  start(): Promise<Running>
  /** The whole log of a room. */
  log(room: string, running: Running): Promise<Logged[]>
  /** Deletes all of a room that its store may lose. How many keys that were; null where there is nothing that a test could reach. */
  evict(room: string): Promise<number | null>
  /** Calls to the store fail from now on, or no longer. */
  trouble(on: boolean): Promise<void>
  /** What starts from now on is this, where another one can be deployed. */
  change?(to: Deployed): void
  end(): Promise<void>
}

/** What runs on a host: its settings, and another build than what ships. */
export interface Deployed {
  variables: Record<string, string>
  build?: Build | undefined
}

export class Host {
  readonly #ground: Ground
  #running: Running

  private constructor(ground: Ground, running: Running) {
    this.#ground = ground
    this.#running = running
  }

  static async open(name: HostName, variables: Record<string, string> = {}, build?: Build): Promise<Host> {
    const ground = await groundOf(name, variables)
    if (build) change(ground, { variables, build })
    return new Host(ground, await ground.start())
  }

  get url(): string {
    return this.#running.url
  }

  /** Sends a request to whose turn it is. */
  readonly send: Send = (url, init) => this.#running.send(url, init)

  /** Everything but its rooms goes and comes back, elsewhere. */
  async restart(): Promise<void> {
    await this.#running.stop()
    this.#running = await this.#ground.start()
  }

  /** Another build, or other settings, in the place of what runs; the rooms are the same. */
  async deploy(to: Deployed): Promise<void> {
    change(this.#ground, to)
    await this.restart()
  }

  kill(): Promise<void> {
    return this.#running.kill()
  }

  log(room: string): Promise<Logged[]> {
    return this.#ground.log(room, this.#running)
  }

  evict(room: string): Promise<number | null> {
    return this.#ground.evict(room)
  }

  trouble(on: boolean): Promise<void> {
    return this.#ground.trouble(on)
  }

  async close(): Promise<void> {
    await this.#running.stop()
    await this.#ground.end()
  }
}

function change(ground: Ground, to: Deployed): void {
  if (!ground.change) throw new Error('this host runs what ships, as it was opened')
  ground.change(to)
}

function groundOf(name: HostName, variables: Record<string, string>): Promise<Ground> {
  if (name === 'sixteen processes of Node') return node(variables)
  if (name === 'four processes of Devvit') return devvit(variables)
  return Promise.resolve(workers(name, variables))
}

async function node(variables: Record<string, string>): Promise<Ground> {
  const redis = await RedisServer.start()
  const proxy = await FaultProxy.start(redis.port)
  const client = await redis.connect()
  let troubled = false
  return {
    start: async () => {
      const fleet = await NodeFleet.start(PROCESSES, `redis://127.0.0.1:${proxy.port}`, variables, SKEWS_MS)
      let sent = 0
      const send: Send = (url, init) => {
        sent += 1
        // Before what is asked arrives, or before the answer does.
        if (troubled && sent % CUT_EVERY === 0) proxy.cut = sent % 2 === 0 ? 'before' : 'after'
        return fleet.send(url, init)
      }
      const kill = async () => {
        await fleet.take().end('SIGKILL')
        await fleet.add()
      }
      return { url: fleet.url, send, stop: () => fleet.stop(), kill }
    },
    log: (room) => logOf(client, room),
    // A head is made again from the inbox; what else is left is the log, what waits, and the archive.
    evict: (room) => client.del(['head', 'lease', 'snaps'].map((part) => `baton:{${room}}:${part}`)),
    trouble: async (on) => {
      troubled = on
      proxy.cut = null
    },
    end: async () => {
      await proxy.stop()
      await client.close()
      await redis.stop()
    },
  }
}

async function devvit(variables: Record<string, string>): Promise<Ground> {
  const front = await DevvitFront.start(variables)
  const client = createClient({ url: front.devvit.redis }) as RedisClientType
  client.on('error', () => {})
  await client.connect()
  const kill = async () => {
    await front.devvit.kill()
  }
  return {
    start: async () => ({ url: front.url, send: front.send, stop: () => front.endAll(), kill }),
    log: async (room) => (await slotsOf(client, room)).frames,
    evict: async (room) => {
      const keys = await client.keys(`*{${room}}:*`)
      const caches = keys.filter((key) => /:(snapshot:\d+|hint|lease)$/.test(key))
      return caches.length > 0 ? client.del(caches) : 0
    },
    trouble: async (on) => {
      front.devvit.faults(on ? TROUBLE : NO_FAULTS)
      if (!on) await pause(LATE_MS)
    },
    end: async () => {
      client.destroy()
      await front.stop()
    },
  }
}

function workers(mode: 'embedded' | 'stateless', variables: Record<string, string>): Ground {
  const storage = mkdtempSync(join(tmpdir(), 'baton-host-'))
  let deployed: Deployed = { variables }
  const begin = () => {
    const { variables, build } = deployed
    return startServer({ mode, variables: { BATON_ADMIN_KEY: OPERATOR, ...variables }, build, storage })
  }
  return {
    start: async () => {
      let server = await begin()
      // Whatever origin is named: there may be another server by now.
      const send: Send = (url, init) => {
        const { pathname, search } = new URL(url)
        return fetch(`${server.url}${pathname}${search}`, init)
      }
      const kill = async () => {
        await server.stop()
        server = await begin()
      }
      return { url: server.url, send, stop: () => server.stop(), kill }
    },
    log: async (room, { url, send }) => {
      const headers = { authorization: `Bearer ${OPERATOR}` }
      const frames: Uint8Array[] = []
      for (;;) {
        const from = frames.length + 1
        const answer = await send(`${url}/api/admin/rooms/${room}/log/${from}`, { headers })
        if (answer.status !== 200) throw new Error(`no log from ${from} on: ${answer.status}`)
        const page = decode(list(bytes), new Uint8Array(await answer.arrayBuffer()))
        frames.push(...page)
        if (page.length === 0 || frames.length % SEGMENT !== 0) return frames.map(logged)
      }
    },
    evict: async () => null,
    trouble: async () => {},
    change: (to) => {
      deployed = to
    },
    end: async () => rmSync(storage, { recursive: true, force: true }),
  }
}
