/**
 * The app for Devvit, its unmodified bundle in four processes that share a Redis and nothing else, and a look into that.
 * Decides how they are started, troubled and counted; must not know what is tested.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { RedisClientType } from '@redis/client'
import { createClient } from '@redis/client'
import { type Faults, NO_FAULTS } from '../../../js-host/devvit/local/faults.ts'
import { type LocalDevvit, type Options, startLocal } from '../../../js-host/devvit/local/local.ts'
import { SEGMENT } from '../../../js-host/src/limits'
import type { Bot } from '../../e2e/support/bot'
import { until } from '../../e2e/support/browser'
import type { Logged } from '../../e2e/support/room-log'
import { type Slots, slotsOf, unlessSealed } from './log'
import { asUser, ROOM } from './players'

export const PROCESSES = 4

/** Calls that are slow, fail, come late or tell of old, and nothing else: whoever is asked lives on. */
export const BAD_CALLS: Partial<Faults> = {
  ...{ delay_ms: 2, jitter_ms: 4, stale: 0.1, refuse: 0.01, lose: 0.01, late: 0.01, late_ms: 700 },
}
/** Everything that can go wrong with the app's calls, and processes that die of it. */
export const TROUBLE: Partial<Faults> = { ...BAD_CALLS, kill_before: 0.0005, kill_after: 0.0005 }

/** What of `BATON_ROOMS` a test decides. */
interface Rooms {
  [setting: string]: unknown
  rooms: { contagion: object }
}

export class App {
  readonly devvit: LocalDevvit
  readonly redis: RedisClientType

  private constructor(devvit: LocalDevvit, redis: RedisClientType) {
    this.devvit = devvit
    this.redis = redis
  }

  static async start(rooms: Rooms, options: Options = {}): Promise<App> {
    const variables = { BATON_ROOMS: JSON.stringify(rooms), BATON_RATE_USER: '0/0', ...options.variables }
    const devvit = await startLocal({
      instances: PROCESSES,
      schedule: false,
      log: () => {},
      ...options,
      variables,
    })
    const redis = createClient({ url: devvit.redis }) as RedisClientType
    redis.on('error', () => {})
    await redis.connect()
    return new App(devvit, redis)
  }

  get url(): string {
    return this.devvit.url
  }

  /** How player after player asks. */
  readonly send = (index: number): Bot['send'] => asUser(this.devvit, `player${index}`)

  slots(): Promise<Slots> {
    return slotsOf(this.redis, ROOM)
  }

  async log(): Promise<Logged[]> {
    return (await this.slots()).frames
  }

  /** How many slots are filled, by few calls: for the time between two frames. */
  async filled(): Promise<number> {
    const keys = (await this.redis.keys(`*{${ROOM}}:log:*`)).sort()
    const counts = await Promise.all(keys.map(async (key) => (await unlessSealed(this.redis.hLen(key))) ?? SEGMENT))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** The process ids of who listens. */
  async living(): Promise<number[]> {
    const status = (await (await fetch(`${this.url}/__local/status`)).json()) as {
      processes: { pid: number; listening: boolean }[]
    }
    return status.processes.filter(({ listening }) => listening).map(({ pid }) => pid)
  }

  /** Waits until all of them live. */
  whole(): Promise<boolean> {
    return until('all processes', 60_000, async () => (await this.living()).length === PROCESSES)
  }

  /** Ends all trouble, and waits until what was late is done. */
  async calm(): Promise<void> {
    this.devvit.faults(NO_FAULTS)
    await pause(1_000)
  }

  async stop(): Promise<void> {
    this.redis.destroy()
    await this.devvit.stop()
  }
}
