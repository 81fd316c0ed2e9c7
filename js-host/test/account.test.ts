/**
 * The account's queue as a page keeps it, with the real rules on both sides and a disk and a network in memory: the tab is
 * killed at every point where it waits, and nothing that was kept is lost, and nothing counts twice.
 */

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Instance, instantiate as instantiateClient } from '#wasm/client'
import { instantiate } from '#wasm/server'
import { request } from '../../tests/e2e/wire'
import { Account, type AccountVerdict } from '../src/client/account'
import type { Device } from '../src/client/device'
import type { Answer } from '../src/client/line'
import { Bookmark, goneOf, handIn } from '../src/client/underway'
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
const instance = (): Instance => instantiateClient(client)

const NOW_MS = 1_790_000_000_000
const SESSION = { token: 'token', user: 'ada', name: 'Ada', expires_ms: NOW_MS * 2 }
const WHO = { user: 'ada', name: 'Ada' }
/** How long a disk takes, in milliseconds. */
const DISK_MS = 30
/** Most that anything takes here, in milliseconds of made-up time: a run is the longest. */
const PATIENCE_MS = 180_000

let chance = 0

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

const { Run } = instance()

/** So many ticks of a run take their time. */
const passed = (ticks: number) => new Promise((over) => setTimeout(over, ticks * 100))

/** A run that ends by itself, as a page would hand it in once it has taken its time; told of when it is in the middle. */
async function play(seed: string, middle: (run: InstanceType<typeof Run>) => Promise<void>): Promise<Uint8Array> {
  const run = new Run(seed, 'Ada')
  for (let tick = 0; tick < 40; tick += 1) run.advance()
  expect(run.steer(8)).toBe(0)
  await passed(run.tick())
  await middle(run)
  return finish(run)
}

/** The rest of it. */
async function finish(run: InstanceType<typeof Run>): Promise<Uint8Array> {
  const before = run.tick()
  run.finish()
  await passed(run.tick() - before)
  return run.inputs()
}

/** The same in one go. */
async function played(seed: string): Promise<Uint8Array> {
  const playing = play(seed, async () => {})
  await vi.advanceTimersByTimeAsync(PATIENCE_MS)
  return playing
}

/** The numbers of the actions in a request. */
function sequences(body: Uint8Array): number[] {
  return decode(request, body).device?.actions.map(({ seq }) => seq) ?? []
}

/** A host. */
class World {
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
async function grant({ driver }: World, coins: number, lineage = '0123456789abcdef'): Promise<void> {
  const twice = 2 * coins
  const body = new Uint8Array([9, (twice & 127) | 128, twice >> 7, 0])
  const parcel = new Operator('key').parcel(lineage, body)
  const { status } = await driver.ask('account', 'ada', { who: null, call: { tag: 'deliver', parcel } })
  expect(status).toBe(200)
}

/** What a browser keeps of a device. */
class Disk {
  readonly id: Uint8Array
  readonly values = new Map<string, Uint8Array>()

  constructor(fill: number) {
    this.id = new Uint8Array(16).fill(fill)
  }
}

/** A tab, until it is killed at a point: before something that it waits for has happened, or after. */
class Life {
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
    const { values, id } = this.#disk
    const put = async (key: string, bytes: Uint8Array) => {
      await new Promise((written) => setTimeout(written, DISK_MS))
      values.set(key, bytes)
    }
    const device: Device = {
      id,
      durable: true,
      adopt: async () => undefined,
      loadQueue: (name) => this.#wait('load queue', async () => values.get(`queue ${name}`)),
      saveQueue: (name, bytes) => this.#wait('save queue', () => put(`queue ${name}`, bytes)),
      loadRoom: (name) => this.#wait('load room', async () => values.get(`room ${name}`)),
      saveRoom: (name, bytes) => this.#wait('save room', () => put(`room ${name}`, bytes)),
      release: () => {},
    }
    this.bookmark = new Bookmark(device)
    this.account = await Account.open({
      instance,
      session: SESSION,
      device,
      post: (url, _session, body) => {
        const kept = this.#onDisk()
        // An order is kept nowhere.
        const own = url.endsWith('/order') ? [] : sequences(body)
        this.#world.early.push(...own.filter((seq) => !kept.includes(seq)))
        return this.#wait('post', () => this.#world.post(url, body))
      },
      onChange: () => {},
      onSignedOut: () => expect.unreachable(),
    })
  }

  /** The actions without an answer of who would go on from the disk. */
  #onDisk(): number[] {
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

/** What somebody does, and what of it was kept: once each, whatever becomes of the tab. */
class Deeds {
  readonly seeds: string[] = []
  readonly kept = new Set<string>()
  /** Seeds of runs that were written while they were under way. */
  readonly underway = new Set<string>()

  async do(life: Life): Promise<void> {
    await life.until('in hand', ({ state }) => (state.view?.seeds.length ?? 0) >= 2)
    for (const [deed, act] of Object.entries({ first: this.#run, look: this.#wear, second: this.#run })) {
      if (life.killed || this.kept.has(deed)) continue
      let through = false
      if (!life.account || !life.bookmark) return
      void act.call(this, life.account, life.bookmark).then((kept) => {
        if (kept) this.kept.add(deed)
        through = true
      })
      await life.until('kept', () => through)
      // The next one while nothing waits, and the last one while something does.
      if (deed === 'first') await life.until('answered', ({ state }) => state.pending === 0)
    }
    await life.quiet()
  }

  /** Goes on with the run that was under way, or plays one; whether it was handed in. */
  async #run(account: Account, bookmark: Bookmark): Promise<boolean> {
    const before = await bookmark.read()
    const { view } = account.state
    const goes = before && goneOf(before, Run.rules(), view) === null
    const seed = goes ? before.seed : view?.seeds[0]?.seed
    // All in hand are on their way, and one of them was on disk before the tab was killed.
    if (seed === undefined) return false
    this.seeds.push(seed)
    const of = { rules: Run.rules(), seed, paid: true }
    const middle = async (run: InstanceType<typeof Run>) => {
      bookmark.note(() => ({ ...of, tick: run.tick(), inputs: run.inputs() }))
      await bookmark.write()
      this.underway.add(seed)
    }
    const again = goes && Run.resume(seed, 'Ada', before.inputs, before.tick)
    if (goes && !again) throw new Error(`not resumed at tick ${before.tick}`)
    const inputs = await (again ? finish(again) : play(seed, middle))
    await handIn(account, bookmark, { ...of, tick: 0, inputs })
    return true
  }

  async #wear(account: Account): Promise<boolean> {
    await account.wear(2).kept
    return true
  }
}

describe('a tab that is killed at every point where its queue waits', () => {
  test('b06_wherever_the_tab_is_killed_nothing_is_lost_and_nothing_counts_twice', { timeout: 120_000 }, async () => {
    const killed: string[] = []
    for (let at = 1; ; at += 1) {
      chance = 7
      vi.setSystemTime(NOW_MS)
      const world = new World()
      const disk = new Disk(1)
      const deeds = new Deeds()
      const first = new Life(world, disk, at)
      void first.open()
      await deeds.do(first)
      if (!first.killed) {
        // The last life was not disturbed: it had a point for each that was killed.
        expect(first.points.length).toBe(killed.length)
        break
      }
      killed.push(first.points.at(-1) ?? '')
      const second = new Life(world, disk)
      void second.open()
      await deeds.do(second)
      const state = second.account?.state
      expect(state?.refused, `refused after a kill ${killed.at(-1)}`).toEqual([])
      const judged = state?.view?.judged ?? []
      // A run that was on disk when its tab was killed is done again by who does not know that: with another seed.
      const sure = deeds.seeds.filter((seed) => judged.some((each) => each.seed === seed))
      expect(new Set(judged.map(({ seed }) => seed)).size).toBe(judged.length)
      expect(sure.length).toBeGreaterThanOrEqual(2)
      // What was written of a run is enough: it went on, or was handed in.
      expect(sure, `after a kill ${killed.at(-1)}`).toEqual(expect.arrayContaining([...deeds.underway]))
      expect(judged.every((each) => 'scrap' in each)).toBe(true)
      expect([state?.view?.runs.played, state?.view?.look]).toEqual([judged.length, 2])
      const scrap = judged.reduce((sum, each) => sum + ('scrap' in each ? each.scrap : 0), 0)
      expect(state?.view?.scrap).toBe(scrap)
      // Another device of the same user has the same account.
      const other = new Life(world, new Disk(2))
      void other.open()
      await other.quiet()
      await second.account?.wake()
      await second.until('level', (account) => account.hash() === other.account?.hash())
      expect(second.account?.hash()).toBe(other.account?.hash())
      for (const life of [second, other]) life.account?.close()
      expect(world.early).toEqual([])
    }
    expect(new Set(killed)).toEqual(
      new Set(
        ['queue', 'room']
          .flatMap((what) => [`before load ${what}`, `after load ${what}`, `before save ${what}`, `after save ${what}`])
          .concat(['before post', 'after post']),
      ),
    )
  })
})

describe('an account without network', () => {
  test('b01_goes_on_from_disk_alone_and_pays_once_there_is_one', async () => {
    const world = new World()
    const disk = new Disk(1)
    const first = new Life(world, disk)
    await first.open()
    await first.quiet()
    await vi.advanceTimersByTimeAsync(10 * DISK_MS)
    world.online = false
    first.account?.close()
    // Again without a word from the host: what is on disk is enough.
    const second = new Life(world, disk)
    await second.open()
    const seed = second.account?.state.view?.seeds[0]?.seed ?? ''
    const acted = second.account?.run(seed, await played(seed))
    await vi.advanceTimersByTimeAsync(DISK_MS)
    await acted?.kept
    const { view, pending, stale } = second.account?.state ?? {}
    expect([view?.waiting, pending, stale, view?.scrap]).toEqual([[seed], 1, true, 0])
    expect(view?.seeds.map((each) => each.seed)).not.toContain(seed)
    second.account?.close()
    const third = new Life(world, disk)
    await third.open()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(third.account?.state.pending).toBe(1)
    expect(third.account?.state.view?.seeds.map((each) => each.seed)).not.toContain(seed)
    world.online = true
    await third.quiet()
    const paid = third.account?.state.view
    expect(paid?.judged).toMatchObject([{ seed, scrap: paid?.scrap }])
    expect([paid?.runs.played, (paid?.scrap ?? 0) > 0]).toEqual([1, true])
    third.account?.close()
  })

  test('what_the_server_refuses_is_told_with_its_code_and_changes_nothing', async () => {
    const world = new World()
    const [one, other] = [new Life(world, new Disk(1)), new Life(world, new Disk(2))]
    await one.open()
    await other.open()
    await Promise.all([one.quiet(), other.quiet()])
    world.online = false
    const seed = one.account?.state.view?.seeds[0]?.seed ?? ''
    const inputs = await played(seed)
    const acts = [one, other].map((life) => life.account?.run(seed, inputs))
    world.online = true
    await Promise.all([one.quiet(), other.quiet()])
    const verdicts = await Promise.all(acts.map((act) => act?.verdict))
    expect(verdicts).toContainEqual({ accepted: true })
    expect(verdicts).toContainEqual({ accepted: false, code: 'used_seed' })
    const states = [one, other].map((life) => life.account?.state)
    expect(states.flatMap((state) => state?.refused ?? [])).toEqual([{ seq: 1, code: 'used_seed' }])
    // What the copy here knows to be wrong is never queued.
    const bought = one.account?.buy('astronaut')
    await expect(bought?.kept).rejects.toThrow('other_currency')
    expect(await bought?.verdict).toEqual({ accepted: false, code: 'other_currency' })
    expect(one.account?.state.pending).toBe(0)
    for (const life of [one, other]) life.account?.close()
  })

  test('nothing_is_asked_while_nothing_is_owed_but_every_30_s_and_when_woken', async () => {
    const world = new World()
    const life = new Life(world, new Disk(1))
    await life.open()
    await life.quiet()
    await vi.advanceTimersByTimeAsync(1_000)
    const posts = () => life.points.filter((point) => point === 'before post').length
    const before = posts()
    await vi.advanceTimersByTimeAsync(28_000)
    expect(posts()).toBe(before)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(posts()).toBe(before + 1)
    life.account?.wake()
    await vi.advanceTimersByTimeAsync(500)
    expect(posts()).toBe(before + 2)
    life.account?.close()
  })
})

describe('what is bought with coins', () => {
  /** An account with so many coins, on so many devices. */
  const rich = async (coins: number, devices = 1): Promise<[World, Life[]]> => {
    const world = new World()
    const lives = Array.from({ length: devices }, (_, at) => new Life(world, new Disk(at + 1)))
    for (const life of lives) await life.open()
    await Promise.all(lives.map((life) => life.quiet()))
    await grant(world, coins)
    for (const life of lives) life.account?.wake()
    await Promise.all(lives.map((life) => life.until('rich', ({ state }) => state.view?.coins === coins)))
    return [world, lives]
  }
  const distinct = (orders: Uint8Array[]) => new Set(orders.map((order) => Buffer.from(order).toString('hex'))).size
  const bought = async (life: Life | undefined, item: string): Promise<AccountVerdict | undefined> => {
    let told: AccountVerdict | undefined
    void life?.account?.purchase(item).then((verdict) => {
      told = verdict
    })
    await life?.until('answered', () => told !== undefined)
    return told
  }

  test('b26_the_server_does_once_while_the_page_waits_and_shows_it_at_once', async () => {
    const [world, [life]] = await rich(1_200)
    world.lost = 2
    expect(await bought(life, 'nurse')).toEqual({ accepted: true })
    expect(world.orders.length).toBe(3)
    expect(distinct(world.orders)).toBe(1)
    const bought_ms = performance.now()
    await life?.until('shown', ({ state }) => state.view?.items.includes('nurse') ?? false)
    expect(performance.now() - bought_ms).toBeLessThan(2_000)
    expect(life?.account?.state).toMatchObject({ view: { coins: 700, items: ['nurse'] }, purchase: null, pending: 0 })
    expect(await bought(life, 'nurse')).toEqual({ accepted: false, code: 'owned' })
    expect(await bought(life, 'astronaut')).toEqual({ accepted: false, code: 'poor' })
    expect(life?.account?.state).toMatchObject({ view: { coins: 700 }, purchase: { item: 'astronaut', code: 'poor' } })
    expect(life?.account?.state.refused).toEqual([])
    life?.account?.close()
  })

  test('b05_nobody_buys_without_network_and_nothing_of_it_waits_for_one', async () => {
    const [world, [life]] = await rich(1_200)
    vi.stubGlobal('navigator', { onLine: false })
    expect(await bought(life, 'nurse')).toEqual({ accepted: false, code: 'offline' })
    expect(life?.account?.state).toMatchObject({ pending: 0, purchase: { item: 'nurse', code: 'offline' } })
    vi.stubGlobal('navigator', { onLine: true })
    life?.account?.wake()
    await life?.quiet()
    await vi.advanceTimersByTimeAsync(60_000)
    expect([world.orders, life?.account?.state.view?.coins]).toEqual([[], 1_200])
    life?.account?.close()
    expect(await bought(life, 'nurse')).toEqual({ accepted: false, code: 'closed' })
    // Who was never heard has nobody to ask.
    world.online = false
    const cold = new Life(world, new Disk(9))
    await cold.open()
    expect(await bought(cold, 'nurse')).toEqual({ accepted: false, code: 'offline' })
    cold.account?.close()
  })

  test('when_nobody_answers_it_is_unknown_and_the_account_shows_what_became_of_it', async () => {
    const [world, [life]] = await rich(1_200)
    world.lost = 1_000
    const first = life?.account?.purchase('nurse')
    expect(await life?.account?.purchase('nurse')).toEqual({ accepted: false, code: 'full' })
    expect(life?.account?.state.purchase).toEqual({ item: 'nurse', code: null })
    await life?.until('given up', ({ state }) => state.purchase?.code !== null)
    expect(await first).toEqual({ accepted: false, code: 'unknown' })
    await life?.until('shown', ({ state }) => state.view?.items.includes('nurse') ?? false)
    expect(life?.account?.state.view?.coins).toBe(700)
    life?.account?.close()
  })

  test('b24_two_devices_at_once_and_a_clock_that_goes_back_buy_once_each', async () => {
    const [world, [one, other]] = await rich(600, 2)
    const told = await Promise.all([bought(one, 'nurse'), bought(other, 'nurse')])
    expect(told.filter((verdict) => verdict?.accepted)).toHaveLength(1)
    expect(told).toContainEqual({ accepted: false, code: 'owned' })
    await grant(world, 1_000, 'fedcba9876543210')
    await grant(world, 1_000, 'fedcba9876543211')
    for (const life of [one, other]) life?.account?.close()
    // The page is loaded again, with another time.
    vi.setSystemTime(NOW_MS - 3_600_000)
    const again = new Life(world, new Disk(1))
    await again.open()
    await again.quiet()
    const before = world.orders.length
    expect(await bought(again, 'astronaut')).toEqual({ accepted: true })
    expect(distinct(world.orders.slice(before))).toBe(2)
    again.account?.close()
  })
})
