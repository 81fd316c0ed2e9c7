/**
 * Puts `globalThis.devvit` in place, as Reddit's runtime does before an app starts, with plugins that work over a real
 * Redis. In the way of `makeConfig` and `installGlobalConfig` of `@devvit/shared-types/test`.
 */

import { Connection } from './connection.ts'
import type { Configuration } from './devvit-json.ts'
import { type Faults, Trouble } from './faults.ts'
import { linksAndComments } from './posts.ts'
import { RealtimePlugin } from './realtime.ts'
import { RedisPlugin } from './redis.ts'
import { Rpc } from './rpc.ts'

export interface Options {
  /** Where Redis is, as in `redis://127.0.0.1:6379`. */
  redis: string
  app: Configuration
  /** Where the local Reddit is seen. */
  url: string
  faults?: Partial<Faults>
}

export interface Installed {
  rpc: Rpc
  close(): void
}

interface Definition {
  fullName: string
}

/** Of a plugin that is not emulated: it can be asked for, and whatever is called of it rejects by name. */
function absent(fullName: string): object {
  return new Proxy(
    {},
    {
      get: (_, name) => {
        // Else it would pass for a promise.
        if (typeof name !== 'string' || name === 'then') return undefined
        return () => Promise.reject(new Error(`12 UNIMPLEMENTED: ${fullName}.${name} is not emulated`))
      },
    },
  )
}

export async function install({ redis: at, app, url, faults }: Options): Promise<Installed> {
  const connection = await Connection.open(at)
  const rpc = new Rpc(new Trouble(faults))
  const redis = new RedisPlugin(connection, rpc)
  const plugins = new Map<string, object>([
    ['devvit.plugin.redis.RedisAPI', redis.api()],
    ['devvit.events.v1alpha.Realtime', new RealtimePlugin(connection, rpc).api()],
    [
      'devvit.plugin.redditapi.linksandcomments.LinksAndComments',
      withAbsent(
        'devvit.plugin.redditapi.linksandcomments.LinksAndComments',
        linksAndComments(connection, rpc, app.name, url),
      ),
    ],
  ])
  const config = {
    assets: {},
    webviewAssets: {},
    providedDefinitions: [],
    getPermissions: () => [],
    export: () => ({ hostname: '', provides: [], uses: [], permissions: [] }),
    provides: () => {},
    addPermissions: () => {},
    use: ({ fullName }: Definition) => plugins.get(fullName) ?? absent(fullName),
    uses: ({ fullName }: Definition) => plugins.has(fullName),
  }
  const worker = globalThis as { devvit?: Record<string, unknown> }
  worker.devvit = { ...worker.devvit, config, compute: { platform: 'node' }, appConfig: app.appConfig }
  return {
    rpc,
    close: () => {
      redis.close()
      connection.close()
    },
  }
}

/** A plugin of which some calls are emulated. */
function withAbsent(fullName: string, some: object): object {
  return Object.setPrototypeOf({ ...some }, absent(fullName)) as object
}
