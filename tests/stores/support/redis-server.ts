/**
 * Real Redis servers for a test: one, or a cluster of three masters with a replica each, on free ports of loopback,
 * with nothing on disk that outlives them. Ended by the process that was started.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createClient, createCluster, type RedisClientType, type RedisClusterType } from '@redis/client'
import { freePort } from '../../../js-host/devvit/local/free-port.ts'

/** How long a server may take to answer, in milliseconds. */
const START_MS = 20_000

/** One server. */
export class RedisServer {
  readonly port: number
  readonly process: ChildProcess
  readonly #directory: string

  private constructor(port: number, process: ChildProcess, directory: string) {
    this.port = port
    this.process = process
    this.#directory = directory
  }

  /** Starts one and waits until it answers. `more`: further lines of its configuration, as arguments. */
  static async start(more: string[] = [], port?: number): Promise<RedisServer> {
    const on = port ?? (await freePort())
    const directory = mkdtempSync(join(tmpdir(), 'baton-redis-'))
    const usual = ['--port', String(on), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no']
    const process = spawn('redis-server', [...usual, ...more], { stdio: 'ignore' })
    const server = new RedisServer(on, process, directory)
    const client = await server.connect().catch(async (error: unknown) => {
      await server.stop()
      throw error
    })
    await client.close()
    return server
  }

  /** A client, connected. What waits for a connection fails instead. */
  async connect(): Promise<RedisClientType> {
    for (const end_ms = Date.now() + START_MS; ; ) {
      const client = createClient({
        socket: { host: '127.0.0.1', port: this.port, reconnectStrategy: false },
        disableOfflineQueue: true,
      })
      client.on('error', () => {})
      try {
        await client.connect()
        return client as RedisClientType
      } catch (error) {
        client.destroy()
        if (this.process.exitCode !== null) throw new Error(`redis-server on port ${this.port} has ended`)
        if (Date.now() > end_ms) throw error
        await sleep(50)
      }
    }
  }

  /** Ends the process, at once with `SIGKILL`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((done) => this.process.once('exit', done))
      this.process.kill(signal)
      await ended
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Three masters, each with a replica. */
export class RedisCluster {
  readonly servers: RedisServer[]

  private constructor(servers: RedisServer[]) {
    this.servers = servers
  }

  static async start(): Promise<RedisCluster> {
    const options = [
      '--cluster-enabled',
      'yes',
      '--cluster-config-file',
      'nodes.conf',
      '--cluster-node-timeout',
      '2000',
      // Else a replica has nothing for its first five seconds, and may not take over.
      '--repl-diskless-sync-delay',
      '0',
    ]
    // Usually that of the clients and ten thousand, where somebody may listen.
    const bus = async () => ['--cluster-port', String(await freePort())]
    const servers = await Promise.all(
      Array.from({ length: 6 }, async () => RedisServer.start([...options, ...(await bus())])),
    )
    const cluster = new RedisCluster(servers)
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
    const arrange = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']
    await promisify(execFile)('redis-cli', arrange)
    const client = await cluster.connect()
    for (const end_ms = Date.now() + START_MS; Date.now() < end_ms; await sleep(100)) {
      // Every node knows every slot, and every replica has what its master has.
      const states = await Promise.all(servers.map((server) => stateOf(server)))
      if (states.every((state) => state.includes('cluster_state:ok') && !state.includes('master_link_status:down'))) {
        await client.close()
        return cluster
      }
    }
    await client.close()
    await cluster.stop()
    throw new Error('the cluster did not come up')
  }

  /** Who has the slot of a key. @throws if nobody whom we know has */
  async masterOf(key: string): Promise<RedisServer> {
    const living = this.servers.find(({ process }) => process.exitCode === null && process.signalCode === null)
    const client = await living?.connect()
    const slot = Number(await client?.sendCommand(['CLUSTER', 'KEYSLOT', key]))
    const slots = (await client?.sendCommand(['CLUSTER', 'SLOTS'])) as [number, number, [string, number]][] | undefined
    await client?.close()
    const [, , master] = slots?.find(([from, to]) => from <= slot && slot <= to) ?? []
    const server = this.servers.find(({ port }) => port === master?.[1])
    if (!server) throw new Error(`nobody has slot ${slot}`)
    return server
  }

  async connect(): Promise<RedisClusterType> {
    const cluster = createCluster({
      rootNodes: this.servers.map(({ port }) => ({ socket: { host: '127.0.0.1', port } })),
      defaults: { disableOfflineQueue: true },
    })
    cluster.on('error', () => {})
    await cluster.connect()
    return cluster as unknown as RedisClusterType
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()))
  }
}

async function stateOf(server: RedisServer): Promise<string> {
  const client = await server.connect()
  const state = await client.sendCommand(['CLUSTER', 'INFO'])
  const replication = await client.sendCommand(['INFO', 'replication'])
  await client.close()
  return `${state}${replication}`
}
