/**
 * A proxy on loopback that cuts a connection when it is told to, before what is asked arrives or before the answer does;
 * that keeps what it should bring back, or what it should take there; or that leads elsewhere from now on.
 */

import { connect, createServer, type Server, type Socket } from 'node:net'

/** When the next request's connection is cut. */
export type Cut = 'before' | 'after' | null

export class FaultProxy {
  readonly port: number
  /** Once; then everything passes again. */
  cut: Cut = null
  /** What comes from the far side is lost. */
  holds = false
  /** How often all connections fell silent: those of before carry nothing any more, and are not closed. */
  silences = 0
  /** What was asked waits here, until {@link letGo}; null if nothing waits. */
  waiting: Buffer[] | null = null
  /** Where new connections lead. */
  to: number
  readonly #server: Server
  readonly #sockets: Set<Socket>
  #far: Socket | null = null

  private constructor(server: Server, port: number, to: number, sockets: Set<Socket>) {
    this.#server = server
    this.to = to
    this.port = port
    this.#sockets = sockets
  }

  /** A proxy to a port of loopback. */
  static async start(to: number): Promise<FaultProxy> {
    const sockets = new Set<Socket>()
    let proxy: FaultProxy | null = null
    const server = createServer((near) => {
      const far = connect(proxy?.to ?? to, '127.0.0.1')
      const since = proxy?.silences
      const silent = () => proxy?.silences !== since
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          sockets.delete(socket)
          if (silent()) return
          near.destroy()
          far.destroy()
        })
      }
      let deaf = false
      near.on('data', (asked) => {
        if (silent()) return
        if (proxy?.cut === 'before') {
          proxy.cut = null
          near.destroy()
          return
        }
        if (proxy?.cut === 'after') {
          proxy.cut = null
          deaf = true
        }
        if (proxy?.waiting) {
          proxy.waiting.push(asked)
          proxy.#far = far
        } else far.write(asked)
      })
      far.on('data', (answer) => {
        if (silent()) return
        // What was asked is done by now.
        if (deaf) near.destroy()
        else if (!proxy?.holds) near.write(answer)
      })
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    proxy = new FaultProxy(server, address.port, to, sockets)
    return proxy
  }

  /** Who is connected hears nothing any more, and does not hear that either. */
  hush(): void {
    this.silences += 1
  }

  /** What waits goes on its way, of the last connection that asked, and nothing waits any more. */
  letGo(): void {
    for (const asked of this.waiting ?? []) this.#far?.write(asked)
    this.waiting = null
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((closed) => this.#server.close(closed))
  }
}
