/** What clients ask a Redis server, as the server sees it; not what its scripts do inside. */

import type { RedisClientType } from '@redis/client'
import type { RedisServer } from './redis-server'

export class Monitor {
  readonly #listener: RedisClientType
  readonly #speaker: RedisClientType
  #heard: string[] = []
  #marked: { mark: string; wake: () => void } | null = null

  private constructor(listener: RedisClientType, speaker: RedisClientType) {
    this.#listener = listener
    this.#speaker = speaker
  }

  static async start(server: RedisServer): Promise<Monitor> {
    const monitor = new Monitor(await server.connect(), await server.connect())
    await monitor.#listener.monitor((line) => monitor.#hear(String(line)))
    return monitor
  }

  /** Names of the commands since the last time it was asked: each was a round trip. */
  async since(): Promise<string[]> {
    const mark = crypto.randomUUID()
    const marked = new Promise<void>((wake) => {
      this.#marked = { mark, wake }
    })
    await this.#speaker.sendCommand(['ECHO', mark])
    await marked
    return this.#heard.splice(0)
  }

  async stop(): Promise<void> {
    this.#listener.destroy()
    await this.#speaker.close()
  }

  #hear(line: string): void {
    if (this.#marked && line.includes(this.#marked.mark)) {
      this.#marked.wake()
      this.#marked = null
      return
    }
    const [, from, command] = /^\S+ \[\d+ (\S+)\] "(\w+)"/.exec(line) ?? []
    if (command && from !== 'lua') this.#heard.push(command.toLowerCase())
  }
}
