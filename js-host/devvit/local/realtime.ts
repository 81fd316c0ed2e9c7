/**
 * `devvit.events.v1alpha.Realtime`: what an app sends goes over a channel of Redis to the gateway, which hands it to the
 * pages. Promises neither delivery nor order, and breaks both if it is told to.
 */

import type { Metadata } from '@devvit/protos/lib/Types.js'
import type { RealtimeEvent } from '@devvit/protos/types/devvit/events/v1alpha/realtime.js'
import type { Connection } from './connection.ts'
import type { Rpc } from './rpc.ts'

/** Where everything that is sent goes by in Redis. */
export const SENT = 'local:realtime'

const MESSAGE_BYTES = 1024 * 1024
const MESSAGES_PER_S = 100
/** How long a message is held back, if no other comes. */
const HELD_MS = 200

export class RealtimePlugin {
  readonly #redis: Connection
  readonly #rpc: Rpc
  #held: string[] = []

  constructor(redis: Connection, rpc: Rpc) {
    this.#redis = redis
    this.#rpc = rpc
  }

  /** What an app is given. */
  api() {
    return {
      Send: (request: RealtimeEvent, metadata?: Metadata) => this.#send(request, metadata),
      Subscribe: () => {
        throw new Error('12 UNIMPLEMENTED: devvit.events.v1alpha.Realtime.Subscribe is not emulated')
      },
    }
  }

  async #send({ channel, data }: RealtimeEvent, metadata?: Metadata): Promise<object> {
    const { installation } = this.#rpc.caller('realtime', 'Send', metadata)
    if (!/^[A-Za-z0-9_]+$/.test(channel)) throw new Error(`3 INVALID_ARGUMENT: a channel cannot be "${channel}"`)
    const message = JSON.stringify({ channel: `${installation}:${channel}`, data })
    const bytes = Buffer.byteLength(message)
    if (bytes > MESSAGE_BYTES) throw new Error(`8 RESOURCE_EXHAUSTED: a message of ${bytes} bytes, of ${MESSAGE_BYTES}`)
    await this.#rpc.meet({ name: 'Send', write: true }, async () => {
      await this.#limit(installation)
      await this.#deliver(message)
    })
    return {}
  }

  /** By the seconds of the clock, over all processes. */
  async #limit(installation: string): Promise<void> {
    const key = `local:sent:${installation}:${Math.floor(Date.now() / 1_000)}`
    const sent = await this.#redis.send(['INCR', key])
    if (sent === 1) await this.#redis.send(['EXPIRE', key, '2'])
    if (Number(sent) > MESSAGES_PER_S) throw new Error(`8 RESOURCE_EXHAUSTED: ${MESSAGES_PER_S} messages a second`)
  }

  async #deliver(message: string): Promise<void> {
    const { trouble } = this.#rpc
    const { drop_message, duplicate_message, reorder_message } = trouble.faults
    if (trouble.happens(drop_message)) return
    if (trouble.happens(reorder_message)) {
      this.#held.push(message)
      setTimeout(() => this.#release().catch(() => {}), HELD_MS)
      return
    }
    const times = trouble.happens(duplicate_message) ? 2 : 1
    for (let time = 0; time < times; time++) await this.#redis.send(['PUBLISH', SENT, message])
    await this.#release()
  }

  async #release(): Promise<void> {
    const held = this.#held
    this.#held = []
    for (const message of held) await this.#redis.send(['PUBLISH', SENT, message])
  }
}
