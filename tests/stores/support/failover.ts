/**
 * A Redis with a replica that takes its place: behind one port, which leads to the one or the other. What the replica does
 * not get any more is lost when the primary ends.
 */

import { until } from '../../e2e/support/browser'
import { FaultProxy } from './fault-proxy'
import { RedisServer } from './redis-server'

export class Failover {
  readonly primary: RedisServer
  readonly replica: RedisServer
  /** Where clients reach it. */
  readonly url: string
  readonly #link: FaultProxy
  readonly #front: FaultProxy

  private constructor(primary: RedisServer, replica: RedisServer, link: FaultProxy, front: FaultProxy) {
    this.primary = primary
    this.replica = replica
    this.url = `redis://127.0.0.1:${front.port}`
    this.#link = link
    this.#front = front
  }

  static async start(): Promise<Failover> {
    const primary = await RedisServer.start()
    const link = await FaultProxy.start(primary.port)
    const follows = ['--replicaof', `127.0.0.1 ${link.port}`, '--repl-diskless-sync-delay', '0']
    const replica = await RedisServer.start(follows)
    const client = await replica.connect()
    await until('a replica', 30_000, async () =>
      String(await client.sendCommand(['INFO', 'replication'])).includes('master_link_status:up'),
    )
    await client.close()
    return new Failover(primary, replica, link, await FaultProxy.start(primary.port))
  }

  /** From here on nothing is copied, and everything is acknowledged. */
  sever(): void {
    this.#link.holds = true
  }

  /** The primary ends without a word, and the replica is asked from now on. */
  async fail(): Promise<void> {
    await this.primary.stop('SIGKILL')
    const client = await this.replica.connect()
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await client.close()
    this.#front.to = this.replica.port
  }

  /** The same, and no connection is closed: as with a machine that lost its power. */
  async vanish(): Promise<void> {
    this.#front.hush()
    await this.fail()
  }

  async stop(): Promise<void> {
    await this.#front.stop()
    await this.#link.stop()
    await this.replica.stop()
    await this.primary.stop()
  }
}
