/**
 * What a sync of an account takes over HTTP on loopback, by length of its history: a device that has everything sends a
 * little, to one process of Node that knows the room, or to its object in workerd, beside a request that asks for nothing.
 * Accounts take turns, so that whatever interrupts meets all alike. The histories are written through the same requests, by
 * eight devices at once. Runs that somebody played alone are not among them: their replay takes what it takes. With
 * `BATON_BENCH_LONG` a history of 10^6, and the same on Redis.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { BATON_TYPE, codeOf, Device, guest, until } from '../../tests/e2e/device'
import { NodeProcess } from '../../tests/e2e/support/node-host'
import { decode, PRESENCE, reply } from '../../tests/e2e/wire'
import { RedisServer } from '../../tests/stores/support/redis-server'
import { type Head, nothing } from '../src/effect'
import { atMost, hundredths, median, percentile, plain } from './figure'
import { startBaton } from './server'

const LONG = process.env.BATON_BENCH_LONG === '1'
const LENGTHS = LONG ? [10, 1_000, 100_000, 1_000_000] : [10, 1_000, 100_000]
/** As many as a user may have. */
const DEVICES = 8
/** As many actions as a request may carry. */
const WINDOW = 32
/** A short pace, so that histories are written soon; a sync waits for longer, and so is led at once. */
const FRAME_MS = 10
const PAUSE_MS = 2 * FRAME_MS
const TURNS = 5
/** Of a few, the hundredth part is one or two, and says more of the machine than of us. */
const SYNCS_OF_A_TURN = LONG ? 600 : 150
/** After so many syncs the shortest history begins anew. */
const SHORT_FOR = 30
/** The key of the operator, who takes accounts of the time before over. */
const KEY = 'bench'.padEnd(43, '0')
const VARIABLES = { BATON_ADMIN_KEY: KEY, BATON_ROOMS: JSON.stringify({ frame_ms: FRAME_MS, lease_ms: PAUSE_MS }) }
/** An import of all there is: much played, every goal reached, everything bought and set. Encoded as the rules have it. */
const MUCH = [
  ...[10, 127, 127, ...Array(14).fill(120)],
  ...[6, 0, 1, 2, 3, 4, 5],
  ...[4, 0, 1, 2, 3],
  ...[6, 4, 0, 30, 1, 1, 2, 40, 3, 1],
]
const P99_AIM_MS = 15
const GROWTH_AIM = 1.2

/** An account and its devices; the first is the one that is measured. */
class Account {
  readonly #devices: Device[]
  readonly #marks: number[]
  #cursor: Head = nothing()
  #asked_ms = 0
  up = 0
  down = 0

  private constructor(devices: Device[]) {
    this.#devices = devices
    this.#marks = devices.map(() => 0)
  }

  /** With a history of so many actions. */
  static async with(url: string, actions: number): Promise<Account> {
    const session = await guest(url)
    const devices = Array.from({ length: DEVICES }, () => new Device(url, 'account/me', session))
    await Promise.all(devices.map((device) => device.join()))
    const taken = await fetch(`${url}/api/admin/rooms/account/${session.user}/send/00112233445566aa`, {
      method: 'POST',
      headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${KEY}` },
      body: Uint8Array.from(MUCH),
    })
    if (taken.status !== 200) throw new Error(`not taken over: ${await codeOf(taken)}`)
    await until(async () => {
      const view = await fetch(`${url}/api/rooms/account/me/view`, {
        headers: { authorization: `Bearer ${session.token}` },
      })
      return ((await view.json()) as { game: { imported: boolean } }).game.imported
    })
    const account = new Account(devices)
    while (account.length < actions) await account.#grow(actions - account.length)
    // What the others did, in as many replies as it takes.
    await sleep(PAUSE_MS)
    await account.sync(0)
    return account
  }

  /** Actions in the log. */
  get length(): number {
    return this.#marks.reduce((sum, mark) => sum + mark, 0)
  }

  /** Frames of the log: those who ask at once may share one. */
  get frames(): number {
    return this.#cursor.v
  }

  async #grow(missing: number): Promise<void> {
    const each = Math.min(WINDOW, Math.ceil(missing / this.#devices.length))
    const ask = async (device: Device, index: number) => {
      if (index * each >= missing) return
      const answer = await device.ask(this.#hail(device, index, each), { frames: 0 })
      const mark = answer.device?.mark ?? 0
      this.#marks[index] = mark
    }
    await Promise.all(this.#devices.map(ask))
    await sleep(FRAME_MS)
  }

  #hail(device: Device, index: number, count: number) {
    const mark = this.#marks[index] ?? 0
    const actions = Array.from({ length: count }, (_, at) => {
      const seq = mark + 1 + at
      // A preference: its last value counts.
      return { seq, version: 1, body: Uint8Array.of(4, seq % 4, seq % 100) }
    })
    return device.hail({ presence: PRESENCE.here, answered: mark, kept_from: mark + 1, actions })
  }

  /** The device sends so many actions; how long it takes until they are in the log and it knows. */
  async sync(actions: number): Promise<number> {
    const [device] = this.#devices
    if (!device) throw new Error('an account has a device')
    const wait_ms = this.#asked_ms + PAUSE_MS - performance.now()
    if (wait_ms > 0) await sleep(wait_ms)
    const request = device.request(this.#hail(device, 0, actions), { cursor: this.#cursor })
    const began_ms = performance.now()
    const response = await device.send(request)
    const body = new Uint8Array(await response.arrayBuffer())
    this.#asked_ms = performance.now()
    if (response.status !== 200) throw new Error(`${response.status} ${new TextDecoder().decode(body)}`)
    const answer = decode(reply, body)
    const mark = (this.#marks[0] ?? 0) + actions
    if (answer.device?.mark !== mark) throw new Error(`${answer.device?.mark} is in the log, not ${mark}`)
    if (actions > 0 && (answer.news.tag !== 'frames' || answer.news.frames.length !== 1))
      throw new Error('it had everything, and is not told of one frame')
    this.#marks[0] = mark
    this.#cursor = answer.head
    this.up = request.length
    this.down = body.length
    return this.#asked_ms - began_ms
  }
}

/** Where accounts are. */
interface Host {
  url: string
  stop(): Promise<unknown>
}

await on('Node, memory', () => node('memory'))
await on('workerd, object', object)
if (LONG) {
  const redis = await RedisServer.start()
  try {
    await on('Node, Redis', () => node(`redis://127.0.0.1:${redis.port}`))
  } finally {
    await redis.stop()
  }
}

async function node(store: string): Promise<Host> {
  const host = await NodeProcess.start(store, VARIABLES)
  return { url: host.url, stop: () => host.end('SIGKILL') }
}

/** The handler inside: as it is deployed. */
async function object(): Promise<Host> {
  const { origin, stop } = await startBaton('embedded', {}, VARIABLES)
  return { url: origin, stop }
}

async function on(name: string, start: () => Promise<Host>): Promise<void> {
  const host = await start()
  try {
    const accounts: Account[] = []
    for (const length of LENGTHS) {
      const began_ms = performance.now()
      const account = await Account.with(host.url, length)
      accounts.push(account)
      const took_s = ((performance.now() - began_ms) / 1_000).toFixed(1)
      console.error(`${name}: ${length} actions, ${account.frames} frames, in ${took_s} s`)
    }
    for (const actions of [1, 20]) await measure(name, host.url, accounts, actions)
  } finally {
    await host.stop()
  }
}

async function measure(name: string, url: string, accounts: Account[], actions: number): Promise<void> {
  const turns: number[][][] = []
  const empty: number[][] = []
  for (let turn = 0; turn < TURNS; turn++) {
    const samples: number[][] = LENGTHS.map(() => [])
    const nothings: number[] = []
    for (let sync = 0; sync < SYNCS_OF_A_TURN; sync++) {
      if (sync % SHORT_FOR === 0) accounts[0] = await Account.with(url, LENGTHS[0] ?? 0)
      for (let nth = 0; nth < accounts.length; nth++) {
        const index = (sync + nth) % accounts.length
        samples[index]?.push((await accounts[index]?.sync(actions)) ?? Number.NaN)
      }
      nothings.push(await nothingAsked(url))
    }
    turns.push(samples)
    empty.push(nothings)
  }
  const of = (index: number, percent: number) => median(turns.map((turn) => percentile(turn[index] ?? [], percent)))
  for (const [index, account] of accounts.entries()) {
    plain(`${name}: sync of ${actions}, history of ${LENGTHS[index]}: p50`, of(index, 50), 'ms')
    atMost('  p99', of(index, 99), 'ms', P99_AIM_MS)
    plain('  up', account.up, 'bytes')
    plain('  down', account.down, 'bytes')
  }
  plain(`${name}: a request that asks for nothing: p50`, median(empty.map((turn) => median(turn))), 'ms')
  plain('  p99', median(empty.map((turn) => percentile(turn, 99))), 'ms')
  const last = accounts.length - 1
  for (const percent of [50, 99]) {
    const grown = turns.map((turn) => percentile(turn[last] ?? [], percent) / percentile(turn[0] ?? [], percent))
    const label = `  p${percent} at ${LENGTHS[last]} / at ${LENGTHS[0]}, turns ${hundredths(grown)}`
    atMost(label, median(grown), 'x', GROWTH_AIM)
  }
}

/** What the way there and back takes at the least, on a machine that others use too. */
async function nothingAsked(url: string): Promise<number> {
  const began_ms = performance.now()
  const response = await fetch(`${url}/api/health`)
  await response.arrayBuffer()
  return performance.now() - began_ms
}
