/**
 * Requests per second and CPU per request of one hot room under plain workerd, in both modes,
 * beside a bare Worker that does one object read and one write per request, all in one run: each
 * takes its turn several times. Every request carries a new action.
 */

import { fileURLToPath } from 'node:url'
import { besidePeer, median, plain, spread } from './figure'
import { join } from './http'
import { MATCH } from './match'
import { type Server, start, startBaton } from './server'

const CONNECTIONS = 32
const TURN_MS = 4_000
const TURNS = 3
const WARM_UP_MS = 1_500

interface Contender {
  name: string
  server: Server
  asks: (() => Promise<void>)[]
  rates: number[]
  cpus_us: number[]
}

await run()

async function run(): Promise<void> {
  const contenders: Contender[] = []
  try {
    contenders.push(await bare(), await baton('stateless'), await baton('embedded'))
    for (const each of contenders) await load(each, WARM_UP_MS)
    for (let turn = 0; turn < TURNS; turn++) {
      for (const each of contenders) {
        const cpu_s = each.server.cpu_s()
        const { count, ms } = await load(each, TURN_MS)
        each.rates.push((count / ms) * 1_000)
        each.cpus_us.push(((each.server.cpu_s() - cpu_s) / count) * 1e6)
      }
    }
    report(contenders)
  } finally {
    for (const { server } of contenders) await server.stop()
  }
}

function report([peer, ...ours]: Contender[]): void {
  const bar = median(peer?.rates ?? [])
  plain(`requests at ${CONNECTIONS} connections, bare Worker and object`, bar, '1/s')
  for (const each of ours) {
    const share = each.name === 'stateless' ? 0.6 : 1
    besidePeer(`requests at ${CONNECTIONS} connections, ${each.name}`, median(each.rates), '1/s', bar, share)
  }
  for (const each of [peer, ...ours]) {
    if (!each) continue
    console.error(`${each.name}: ${spread(each.rates)} requests/s, ${spread(each.cpus_us)} us of CPU`)
    plain(`CPU per request, ${each.name}`, median(each.cpus_us), 'us')
  }
}

/** Each connection asks again as soon as it was answered. */
async function load({ asks }: Contender, ms: number): Promise<{ count: number; ms: number }> {
  const began = performance.now()
  let count = 0
  const loop = async (ask: () => Promise<void>) => {
    while (performance.now() - began < ms) {
      await ask()
      count += 1
    }
  }
  await Promise.all(asks.map(loop))
  return { count, ms: performance.now() - began }
}

async function baton(mode: 'embedded' | 'stateless'): Promise<Contender> {
  const server = await startBaton(mode, { contagion: MATCH })
  const callers = await join(server, `hot-${mode}`, CONNECTIONS)
  const asks = callers.map((caller) => () => caller.ask('unsaid', 1))
  return { name: mode, server, asks, rates: [], cpus_us: [] }
}

async function bare(): Promise<Contender> {
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "bare", worker = .bare), (name = "storage", disk = (path = "storage", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "bare")],
);
const bare :Workerd.Worker = (
  modules = [(name = "bare-worker.js", esModule = embed "bare-worker.js")],
  compatibilityDate = "2026-10-01",
  bindings = [(name = "ROOMS", durableObjectNamespace = "Bare")],
  durableObjectNamespaces = [(className = "Bare", uniqueKey = "bare", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
`
  const server = await start(config, fileURLToPath(new URL('.', import.meta.url)))
  const body = new Uint8Array(100)
  const ask = async () => {
    const response = await fetch(server.origin, { method: 'POST', body })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`bare: ${response.status}`)
  }
  return { name: 'bare', server, asks: Array.from({ length: CONNECTIONS }, () => ask), rates: [], cpus_us: [] }
}
