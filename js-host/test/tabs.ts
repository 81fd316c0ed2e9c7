/**
 * Tabs with an account as a page keeps it, with the real rules on both sides and a disk and a network in memory. Time is made
 * up; must not know what is tested.
 */

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { type Instance, instantiate as instantiateClient } from '#wasm/client'
import { instantiate } from '#wasm/server'
import { request } from '../../tests/e2e/wire'
import { Account } from '../src/client/account'
import type { Device } from '../src/client/device'
import type { Answer } from '../src/client/line'
import { Bookmark } from '../src/client/underway'
import { decode } from '../src/codec'
import { Driver } from '../src/driver'
import type { Call } from '../src/effect'
import { Faces } from '../src/load/face'
import { Operator } from '../src/operator'
import { performer } from '../src/store'
import { MemoryStore } from '../src/stores/memory'

const compiled = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(`../dist/wasm/${name}_bg.wasm`, import.meta.url)))
const server = compiled('server/baton_server')
const client = compiled('client/baton_client')
export const instance = (): Instance => instantiateClient(client)

export const NOW_MS = 1_790_000_000_000
export const SESSION = { token: 'token', user: 'ada', name: 'Ada', expires_ms: NOW_MS * 2 }
const WHO = { user: 'ada', name: 'Ada' }
/** How long a disk takes, in milliseconds. */
export const DISK_MS = 30
/** Most that anything takes here, in milliseconds of made-up time: a run is the longest. */
export const PATIENCE_MS = 180_000

let chance = 0

/** The same day again, with the same chance. */
export function again(): void {
  chance = 7
  vi.setSystemTime(NOW_MS)
}

/** Time, chance and a browser are made up for each test. */
export function madeUp(): void {
  beforeEach(() => {
    // All chance is the same in each world, so that a life has as many points whenever it is lived.
    chance = 7
    vi.spyOn(globalThis.crypto, 'getRandomValues').mockImplementation((array) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      for (let at = 0; at < bytes.length; at += 1) {
        chance = (chance * 1_103_515_245 + 12_345) % 2_147_483_648
        bytes[at] = chance >> 16
      }
      return array
    })
    vi.useFakeTimers({ now: NOW_MS, toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    const target = { addEventListener: () => {}, removeEventListener: () => {} }
    vi.stubGlobal('document', { hidden: false, currentScript: null, ...target })
    vi.stubGlobal('navigator', { onLine: true })
    for (const [name, work] of Object.entries(target)) vi.stubGlobal(name, work)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })
}

export const { Run } = instance()

/** So many ticks of a run take their time. */
export const passed = (ticks: number) => new Promise((over) => setTimeout(over, ticks * 100))

/** A run that ends by itself, as a page would hand it in once it has taken its time; told of when it is in the middle. */
export async function play(
  seed: string,
  middle: (run: InstanceType<typeof Run>) => Promise<void>,
): Promise<Uint8Array> {
  const run = new Run(seed, 'Ada')
  for (let tick = 0; tick < 40; tick += 1) run.advance()
  expect(run.steer(8)).toBe(0)
  await passed(run.tick())
  await middle(run)
  return finish(run)
}

/** The rest of it. */
export async function finish(run: InstanceType<typeof Run>): Promise<Uint8Array> {
  const before = run.tick()
  run.finish()
  await passed(run.tick() - before)
  return run.inputs()
}

/** The same in one go. */
export async function played(seed: string): Promise<Uint8Array> {
  const playing = play(seed, async () => {})
  await vi.advanceTimersByTimeAsync(PATIENCE_MS)
  return playing
}

/** The numbers of the actions in a request. */
export function sequences(body: Uint8Array): number[] {
  return decode(request, body).device?.actions.map(({ seq }) => seq) ?? []
}

/** A host. */
export class World {
  readonly driver = new Driver({
    faces: new Faces(() => instantiate(server), '{}'),
    store: performer(new MemoryStore()),
    store_timeout_ms: 5_000,
  })
  online = true
  /** Numbers of actions that came before they were on the disk they came from. */
  readonly early: number[] = []

  /** So many answers to orders are lost. */
  lost = 0
  /** Orders that came. */
  orders: Uint8Array[] = []

  async post(url: string, body: Uint8Array): Promise<Answer> {
    if (!this.online) return { tag: 'failed' }
    const orders = url.endsWith('/order')
    if (orders) this.orders.push(body)
    const call: Call = orders ? { tag: 'order', order: body } : { tag: 'play', request: body }
    const outcome = await this.driver.ask('account', 'ada', { who: WHO, call })
    if (orders && this.lost > 0) {
      this.lost -= 1
      return { tag: 'failed' }
    }
    if (outcome.status === 200) return { tag: 'reply', bytes: outcome.body }
    const { code, expected } = JSON.parse(new TextDecoder().decode(outcome.body))
    return { tag: 'refused', code, expected }
  }
}

/** Coins of the operator's, once for each lineage. */
export async function grant({ driver }: World, coins: number, lineage = '0123456789abcdef'): Promise<void> {
  const twice = 2 * coins
  const body = new Uint8Array([9, (twice & 127) | 128, twice >> 7, 0])
  const parcel = new Operator('key').parcel(lineage, body)
  const { status } = await driver.ask('account', 'ada', { who: null, call: { tag: 'deliver', parcel } })
  expect(status).toBe(200)
}

/** What a browser keeps of a device. */
export class Disk {
  readonly id: Uint8Array
  readonly values = new Map<string, Uint8Array>()

  constructor(fill: number) {
    this.id = new Uint8Array(16).fill(fill)
  }
}

/** A tab, until it is killed at a point: before something that it waits for has happened, or after. */
export class Life {
  /** Points that were passed. */
  points: string[] = []
  killed = false
  readonly #at: number
  readonly #disk: Disk
  readonly #world: World
  account: Account | null = null
  bookmark: Bookmark | null = null

  constructor(world: World, disk: Disk, at = Number.POSITIVE_INFINITY) {
    this.#world = world
    this.#disk = disk
    this.#at = at
  }

  async open(): Promise<void> {
    this.bookmark = new Bookmark(this.device)
    await this.openAs(this.device, () => {})
  }

  /** The account as this device has it. */
  async openAs(device: Device, onChange: () => void): Promise<Account> {
    this.account = await Account.open({
      instance,
      session: SESSION,
      device,
      post: (url, _session, body) => {
        const kept = this.onDisk()
        // An order is kept nowhere.
        const own = url.endsWith('/order') ? [] : sequences(body)
        this.#world.early.push(...own.filter((seq) => !kept.includes(seq)))
        return this.#wait('post', () => this.#world.post(url, body))
      },
      onChange,
      onSignedOut: () => expect.unreachable(),
    })
    return this.account
  }

  get device(): Device {
    const { values, id } = this.#disk
    const put = async (key: string, bytes: Uint8Array) => {
      await new Promise((written) => setTimeout(written, DISK_MS))
      values.set(key, bytes)
    }
    return {
      id,
      durable: true,
      adopt: async () => undefined,
      loadQueue: (name) => this.#wait('load queue', async () => values.get(`queue ${name}`)),
      saveQueue: (name, bytes) => this.#wait('save queue', () => put(`queue ${name}`, bytes)),
      loadRoom: (name) => this.#wait('load room', async () => values.get(`room ${name}`)),
      saveRoom: (name, bytes) => this.#wait('save room', () => put(`room ${name}`, bytes)),
      release: () => {},
    }
  }

  /** The actions without an answer of who would go on from the disk. */
  onDisk(): number[] {
    const queue = this.#disk.values.get('queue account:me') ?? new Uint8Array()
    const replica = instance().AccountReplica.resume('ada', queue)
    return replica ? sequences(replica.request(false, 0)) : []
  }

  async #wait<T>(what: string, work: () => Promise<T>): Promise<T> {
    await this.#point(`before ${what}`)
    const done = await work()
    await this.#point(`after ${what}`)
    return done
  }

  /** Nothing goes on after the one at which the tab is killed. */
  async #point(name: string): Promise<void> {
    if (!this.killed) this.points.push(name)
    this.killed ||= this.points.length === this.#at
    if (!this.killed) return
    this.account?.close()
    await new Promise(() => {})
  }

  /** Lets time pass until it is so, or the tab is killed. */
  async until(what: string, so: (account: Account) => boolean): Promise<void> {
    for (let passed_ms = 0; passed_ms < PATIENCE_MS; passed_ms += 20) {
      if (this.killed || (this.account && so(this.account))) return
      await vi.advanceTimersByTimeAsync(20)
    }
    throw new Error(`not ${what}: ${JSON.stringify(this.account?.state)}`)
  }

  /** Until the server has answered all, and has nothing to do. */
  quiet(): Promise<void> {
    const idle = ({ state: { view, pending, stale } }: Account) =>
      view !== null && !stale && pending === 0 && view.waiting.length === 0 && view.seeds.length === 6
    return this.until('quiet', idle)
  }
}
