/**
 * What is common to the calls of every plugin: whose they are, that they are counted, and that trouble may meet them.
 * Must not know what a call does.
 */

import type { Metadata } from '@devvit/protos/lib/Types.js'
import { type Call, Trouble } from './faults.ts'

/** The headers by which the gateway says for which of its requests a call is. */
export const REQUEST_HEADER = 'devvit-local-request'
export const ROUTE_HEADER = 'devvit-local-route'

/** Of how many requests the calls are remembered. */
const COUNTED_REQUESTS = 10_000

export interface RequestCalls {
  route: string
  redis: number
  realtime: number
  /** By name. */
  names: Record<string, number>
}

export interface Calls {
  /** By the gateway's number of the request. */
  requests: Record<string, RequestCalls>
  /** By the name of the call, as in `HSetNX` or `Send`. */
  calls: Record<string, number>
}

export interface Caller {
  installation: string
  app: string
  /** Whether what is absent in Redis is an error. */
  throwsNil: boolean
  subreddit: { id: string; name: string }
}

interface Worker {
  metadataProvider?: () => Metadata | undefined
}

/** The first value of a name in the metadata. Some calls bring none: theirs is that of the request which is served. */
function metadataOf(given: Metadata | undefined): (name: string) => string | undefined {
  const worker = (globalThis as { devvit?: Worker }).devvit
  const metadata = given ?? worker?.metadataProvider?.()
  return (name) => metadata?.[name]?.values[0]
}

export class Rpc {
  readonly trouble: Trouble
  readonly #requests = new Map<string, RequestCalls>()
  readonly #calls = new Map<string, number>()

  constructor(trouble = new Trouble()) {
    this.trouble = trouble
  }

  /** @throws if nobody is named whose data it is, before anything is done */
  caller(plugin: 'redis' | 'realtime' | 'reddit', name: string, metadata: Metadata | undefined): Caller {
    const value = metadataOf(metadata)
    this.#count(plugin, name, value(REQUEST_HEADER), value(ROUTE_HEADER))
    const installation = value('devvit-installation')
    if (!installation) throw new Error(`16 UNAUTHENTICATED: ${name} without devvit-installation`)
    return {
      installation,
      app: value('devvit-app') ?? '',
      throwsNil: value('throw-redis-nil') === 'true',
      subreddit: { id: value('devvit-subreddit') ?? '', name: value('devvit-subreddit-name') ?? '' },
    }
  }

  meet<T>(call: Call, work: () => Promise<T>): Promise<T> {
    return this.trouble.meet(call, work)
  }

  calls(): Calls {
    return { requests: Object.fromEntries(this.#requests), calls: Object.fromEntries(this.#calls) }
  }

  #count(plugin: string, name: string, id: string | undefined, route = ''): void {
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1)
    if (id === undefined) return
    const request = this.#requests.get(id) ?? { route, redis: 0, realtime: 0, names: {} }
    this.#requests.set(id, request)
    request.names[name] = (request.names[name] ?? 0) + 1
    if (plugin === 'redis') request.redis += 1
    if (plugin === 'realtime') request.realtime += 1
    const [oldest] = this.#requests.keys()
    if (this.#requests.size > COUNTED_REQUESTS && oldest !== undefined) this.#requests.delete(oldest)
  }
}
