/**
 * A host that a test can start again with the rooms it had: Workers in both modes, sixteen processes of Node on one Redis,
 * whose clocks are ten minutes apart, or four of the app for Devvit. Must not know what is tested.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DevvitFront } from '../../devvit/support/front'
import { RedisServer } from '../../stores/support/redis-server'
import { startServer } from '../server'
import type { Bot } from './bot'
import { NodeFleet } from './node-host'

export const PROCESSES = 16
/** How wrong the clocks of a fleet are, in turn, in milliseconds. */
export const SKEWS_MS = [-600_000, 0, 600_000]

export const HOSTS = ['embedded', 'stateless', 'sixteen processes of Node', 'four processes of Devvit'] as const

/** What runs now. */
interface Running {
  url: string
  send: Bot['send']
  stop(): Promise<void>
}

export class Host {
  readonly #start: () => Promise<Running>
  readonly #forget: () => Promise<void>
  #running: Running

  private constructor(start: () => Promise<Running>, forget: () => Promise<void>, running: Running) {
    this.#start = start
    this.#forget = forget
    this.#running = running
  }

  static async open(name: (typeof HOSTS)[number], variables: Record<string, string> = {}): Promise<Host> {
    if (name === 'sixteen processes of Node') {
      const redis = await RedisServer.start()
      const start = () => NodeFleet.start(PROCESSES, `redis://127.0.0.1:${redis.port}`, variables, SKEWS_MS)
      return new Host(start, () => redis.stop(), await start())
    }
    if (name === 'four processes of Devvit') {
      const front = await DevvitFront.start(variables)
      const start = async () => ({ url: front.url, send: front.send, stop: () => front.endAll() })
      return new Host(start, () => front.stop(), await start())
    }
    const storage = mkdtempSync(join(tmpdir(), 'baton-host-'))
    const start = async () => ({ send: fetch, ...(await startServer({ mode: name, variables, storage })) })
    return new Host(start, async () => rmSync(storage, { recursive: true, force: true }), await start())
  }

  get url(): string {
    return this.#running.url
  }

  /** Sends a request to whose turn it is. */
  readonly send: Bot['send'] = (url, init) => this.#running.send(url, init)

  /** Everything but its rooms goes and comes back, elsewhere. */
  async restart(): Promise<void> {
    await this.#running.stop()
    this.#running = await this.#start()
  }

  async close(): Promise<void> {
    await this.#running.stop()
    await this.#forget()
  }
}
