/** A local Devvit within the test: the real packages, over a real Redis, on behalf of an installation. */

import { Context, runWithContext } from '@devvit/server'
import { Connection } from '../../js-host/devvit/local/connection'
import { type Faults, NO_FAULTS } from '../../js-host/devvit/local/faults'
import { type Installed, install } from '../../js-host/devvit/local/install'
import { RedisServer } from '../stores/support/redis-server'

const APP = {
  name: 'fixture',
  client: '',
  server: '',
  entrypoints: {},
  menu: [],
  triggers: {},
  tasks: {},
  appConfig: { post: { entrypoints: { default: { name: 'default' }, game: { name: 'game' } } } },
}

export class Local {
  readonly url: string
  installed: Installed
  /** Past the packages and the plugins. */
  readonly raw: Connection
  readonly #server: RedisServer

  private constructor(url: string, installed: Installed, raw: Connection, server: RedisServer) {
    this.url = url
    this.installed = installed
    this.raw = raw
    this.#server = server
  }

  static async start(): Promise<Local> {
    const server = await RedisServer.start()
    const url = `redis://127.0.0.1:${server.port}`
    return new Local(url, await Local.install(url), await Connection.open(url), server)
  }

  /** Puts plugins in place, as a process of its own would have. */
  static install(url: string): Promise<Installed> {
    return install({ redis: url, app: APP, url: 'http://127.0.0.1:1' })
  }

  /** Goes on with what was installed since. */
  replace(installed: Installed): void {
    this.installed.close()
    this.installed = installed
  }

  faults(some: Partial<Faults> = {}): void {
    this.installed.rpc.trouble.change({ ...NO_FAULTS, ...some })
  }

  async stop(): Promise<void> {
    this.installed.close()
    this.raw.close()
    await this.#server.stop()
  }
}

/** Does something as a request to an installation would; with none, as one that names none. */
export function as<T>(installation: string | undefined, work: () => Promise<T>): Promise<T> {
  const named = installation === undefined ? {} : { 'devvit-installation': installation }
  const headers = {
    'devvit-subreddit': 't5_local',
    'devvit-subreddit-name': 'local',
    'devvit-app': 'fixture',
    ...named,
  }
  return runWithContext(Context(headers), work)
}

let used = 0
/** An installation that nobody has used. */
export function fresh(): string {
  used += 1
  return `installation-${used}`
}
