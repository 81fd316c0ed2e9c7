/** How a Redis server is asked to run a script: over TCP, one server or a cluster, and over HTTP. */

import type { Scripts } from './redis'

/** Sends a command to whoever has the key. @throws with the server's words */
export type Send = (key: string, command: string[]) => Promise<unknown>

/** The part of a node-redis client that is used. */
export interface TcpClient {
  sendCommand(command: string[]): Promise<unknown>
}

/** The part of a node-redis cluster that is used. */
export interface TcpCluster {
  sendCommand(key: string, readonly: boolean, command: string[]): Promise<unknown>
}

/** How an Upstash client must be made: it neither interprets, nor asks again, nor gathers, nor tells. */
export const HTTP = {
  automaticDeserialization: false,
  retry: false,
  enableAutoPipelining: false,
  enableTelemetry: false,
} as const

/** The part of an Upstash client that is used, made with {@link HTTP}. */
export interface HttpClient {
  evalsha(sha: string, keys: string[], args: string[]): Promise<unknown>
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
}

/** One server over TCP. The client's offline queue should be off: what waits for a connection is late. */
export function overTcp(client: TcpClient): Scripts {
  return new Cached((_, command) => client.sendCommand(command))
}

/** A cluster over TCP. */
export function overCluster(cluster: TcpCluster): Scripts {
  return new Cached((key, command) => cluster.sendCommand(key, false, command))
}

/** One server over HTTP. */
export function overHttp(client: HttpClient): Scripts {
  return new Cached((_, [name = '', script = '', count = '0', ...rest]) => {
    const [keys, args] = [rest.slice(0, Number(count)), rest.slice(Number(count))]
    const asked = name === 'EVALSHA' ? client.evalsha(script, keys, args) : client.eval(script, keys, args)
    return asked.catch((error: unknown) => {
      // What was asked stands in what it says: whole frames.
      const said = error instanceof Error ? error.message : 'unknown'
      throw new Error(said.split(', command was')[0], { cause: undefined })
    })
  })
}

/** Runs scripts by their hash, and with their text where the server does not have it, or has lost it. */
class Cached implements Scripts {
  readonly #send: Send
  readonly #hashes = new Map<string, string>()

  constructor(send: Send) {
    this.#send = send
  }

  async run(script: string, keys: string[], args: string[]): Promise<unknown> {
    const [key = ''] = keys
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.#send(key, ['EVALSHA', await this.#hash(script), ...rest])
    } catch (error) {
      // The server did nothing.
      if (!(error instanceof Error && error.message.includes('NOSCRIPT'))) throw error
      return this.#send(key, ['EVAL', script, ...rest])
    }
  }

  async #hash(script: string): Promise<string> {
    const known = this.#hashes.get(script)
    if (known !== undefined) return known
    const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(script))
    const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
    this.#hashes.set(script, hash)
    return hash
  }
}
