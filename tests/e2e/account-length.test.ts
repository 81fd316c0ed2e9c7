/**
 * What a sync costs in an object, by the length of its account's history: requests over HTTP to wrangler dev, through router,
 * object and wasm, and what SQLite did for them, weighed inside the object (`tests/workers/weighed.ts`). Only counts are judged,
 * since the time of a machine that others use says little; `cargo xtask bench whole-state` has times. The histories are not
 * written by requests, which would take minutes: `support/grown.ts` makes them with the same wasm, and the object's own store
 * appends, seals and trims them frame by frame. Must not know the store's tables.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes, decode, encode, list } from '../../js-host/src/codec'
import { nothing } from '../../js-host/src/effect'
import { SEGMENT } from '../../js-host/src/limits'
import { Device, guest } from './device'
import { type Server, startServer } from './server'
import { Grown, setting } from './support/grown'
import { PRESENCE, type Reply, reply } from './wire'

const PACE = { frame_ms: 10, lease_ms: 10 }
/** Longer than two leases: whoever asks leads at once, and whoever comes cold knows that nobody else does. */
const PAUSE_MS = 25
const OPERATOR = 'operator'.padEnd(43, '0')
/** Where in a segment a round of syncs begins, and how long the shortest history is. */
const FIRST = 10
/** Syncs of a round: to the end of the segment, which is sealed, so that each round has one of those. */
const ROUND = SEGMENT - FIRST
const LONG = SEGMENT * (process.env.BATON_SOAK ? 1_563 : 157) + FIRST
/** Appends that go into the object in one request. */
const AT_ONCE = 2_000
/** From here on a segment that is sealed brings a snapshot, and an older one goes. */
const STEADY = 2 * SEGMENT + FIRST
/** The row's: with a long history at most so many tenths of what it is with a short one. */
const TENTHS = 12
const BATCH = 20
/** Pages of a log that are read, segments: enough to see that it is long. */
const MOST_PAGES = 60
const LIMIT_MS = 600_000

/** What a sync costs, or many: what `tests/workers/weighed.ts` weighs, and bytes of request and answer. */
const COUNTS = ['statements', 'rowsRead', 'rowsWritten', 'bytesRead', 'bytesBound', 'up', 'down'] as const
type Cost = Record<(typeof COUNTS)[number], number>

const each = (of: (count: keyof Cost) => number) =>
  Object.fromEntries(COUNTS.map((count) => [count, of(count)])) as Cost
const sum = (costs: Cost[]) => each((count) => costs.reduce((all, cost) => all + cost[count], 0))
const worst = (costs: Cost[]) => each((count) => Math.max(...costs.map((cost) => cost[count])))

/** What grew by more than the row allows. */
const grown = (short: Cost, long: Cost) => COUNTS.filter((count) => 10 * long[count] > TENTHS * short[count])

/** For whom it did not pass. */
const shown = (few: Cost[], many: Cost[]) =>
  JSON.stringify({ few: sum(few), many: sum(many), worst: [worst(few), worst(many)] })

let server: Server

/** An account with one device, which has everything. */
class Account {
  readonly #device: Device
  readonly #room: string
  #cursor = nothing()

  private constructor(device: Device) {
    this.#device = device
    this.#room = `account/${device.session.user}`
  }

  /** With a history of almost so many frames. */
  static async with(frames: number): Promise<Account> {
    const device = new Device(server.url, 'account/me', await guest(server.url))
    const account = new Account(device)
    const history = new Grown(device, PACE, frames)
    for await (const appends of history.to(frames - 2, AT_ONCE)) {
      const appended = await account.#tell('filled', Uint8Array.from(encode(list(bytes), appends)))
      if (appended !== appends.length) throw new Error(`${appended} of ${appends.length} were appended`)
    }
    account.#cursor = history.head
    return account
  }

  get length(): number {
    return this.#cursor.v
  }

  /** Syncs until a round may begin; once at least, since who was asked long ago sleeps. */
  async onwards(): Promise<void> {
    do await this.sync(1)
    while (this.length % SEGMENT !== FIRST)
  }

  /** The device does so many things, and is told so. */
  async sync(count: number): Promise<Cost> {
    const device = this.#device
    const answered = device.seq
    const actions = Array.from({ length: count }, (_, at) => {
      const seq = answered + 1 + at
      return { seq, version: 1, body: setting(seq) }
    })
    device.seq += count
    await sleep(PAUSE_MS)
    const hail = device.hail({ presence: PRESENCE.here, answered, kept_from: answered + 1, actions })
    const { told, cost } = await this.#ask(device.request(hail, { cursor: this.#cursor }))
    expect(told.device?.mark).toBe(device.seq)
    expect(told.head.v, 'a frame each').toBe(this.length + 1)
    expect(told.news).toMatchObject({ tag: 'frames', frames: [expect.anything()] })
    this.#cursor = told.head
    return cost
  }

  /** The object and the handler know nothing any more. */
  async forget(): Promise<void> {
    await this.#tell('forgotten')
  }

  /** What a device is told that says nothing and has nothing. */
  async whole(): Promise<{ told: Reply; cost: Cost }> {
    return this.#ask(this.#device.request(null, { cursor: nothing() }))
  }

  /** What it costs to read the log from its first frame on. */
  async export(): Promise<Cost> {
    const costs: Cost[] = []
    const pages = Math.min(Math.ceil(this.length / SEGMENT), MOST_PAGES)
    for (let page = 0; page < pages; page += 1) {
      const from = page * SEGMENT + 1
      const headers = { authorization: `Bearer ${OPERATOR}`, weighed: this.#room }
      const { body, cost } = await read(
        await fetch(`${server.url}/api/admin/rooms/${this.#room}/log/${from}`, { headers }),
      )
      expect(decode(list(bytes), body)).toHaveLength(Math.min(SEGMENT, this.length - from + 1))
      costs.push(cost)
    }
    return sum(costs)
  }

  /** What it costs to look at all that the object holds. */
  async scan(): Promise<Cost> {
    return { ...((await this.#tell('scanned')) as Cost), up: 0, down: 0 }
  }

  async #ask(request: Uint8Array): Promise<{ told: Reply; cost: Cost }> {
    const { body, cost } = await read(await this.#device.send(request, { weighed: this.#room }))
    return { told: decode(reply, body), cost: { ...cost, up: request.length } }
  }

  async #tell(what: string, body: Uint8Array<ArrayBuffer> = new Uint8Array()): Promise<unknown> {
    const answer = await fetch(`${server.url}/${what}/${this.#room}`, { method: 'POST', body })
    if (answer.status !== 200) throw new Error(await answer.text())
    return answer.json()
  }
}

/** An answer, and what it cost. @throws if it is a refusal */
async function read(answer: Response): Promise<{ body: Uint8Array; cost: Cost }> {
  const body = new Uint8Array(await answer.arrayBuffer())
  if (answer.status !== 200) throw new Error(`${answer.status} ${new TextDecoder().decode(body)}`)
  const weight = JSON.parse(answer.headers.get('weighed') ?? '') as Cost
  return { body, cost: { ...weight, up: 0, down: body.length } }
}

describe('an object', () => {
  let long: Account

  beforeAll(async () => {
    const variables = { BATON_ROOMS: JSON.stringify(PACE), BATON_ADMIN_KEY: OPERATOR }
    server = await startServer({ mode: 'embedded', main: 'tests/workers/weighed.ts', variables })
    long = await Account.with(LONG)
  }, LIMIT_MS)
  afterAll(() => server?.stop())

  /** The long account and a new one, each where a round may begin. */
  const beside = async (frames: number): Promise<Account[]> => {
    const short = await Account.with(frames)
    await Promise.all([short.onwards(), long.onwards()])
    expect(short.length).toBe(frames)
    expect(long.length).toBeGreaterThanOrEqual(LONG)
    return [short, long]
  }

  /** A round of syncs of both, side by side; each wakes object and handler, or both know the account. */
  const round = async (frames: number, count: number, cold: boolean): Promise<[Cost[], Cost[]]> => {
    const accounts = await beside(frames)
    const costs: [Cost[], Cost[]] = [[], []]
    for (let sync = 0; sync < ROUND; sync += 1) {
      // They share an isolate, and so an instance of the wasm: both forget before either is asked.
      if (cold) await Promise.all(accounts.map((account) => account.forget()))
      const done = await Promise.all(accounts.map((account) => account.sync(count)))
      for (const [at, cost] of done.entries()) costs[at]?.push(cost)
    }
    return costs
  }

  test.each([
    ['warm', false, FIRST],
    // Who knows nothing begins with a snapshot, as soon as there is one.
    ['cold', true, SEGMENT + FIRST],
  ] as const)(
    'b32_the_work_of_a_%s_sync_in_an_object_grows_with_its_batch_alone',
    {
      timeout: LIMIT_MS,
    },
    async (_, cold, frames) => {
      const one = await round(frames, 1, cold)
      const twenty = await round(STEADY, BATCH, cold)
      for (const [short, long] of [one, twenty]) {
        for (const count of COUNTS) expect(sum(short)[count]).toBeGreaterThan(0)
        expect(grown(sum(short), sum(long)), shown(short, long)).toEqual([])
      }
      // Nor does that of the sync that seals a segment.
      expect(grown(worst(twenty[0]), worst(twenty[1])), shown(...twenty)).toEqual([])
      const [small, large] = [sum(one[1]), sum(twenty[1])]
      expect(COUNTS.filter((count) => large[count] > BATCH * small[count])).toEqual([])
      // A frame is a frame, however much is in it.
      expect(large.rowsWritten).toBe(small.rowsWritten)
      if (!cold) return
      const known = await long.sync(1)
      for (const { statements } of one.flat()) expect(statements).toBeGreaterThan(known.statements)
    },
  )

  test('b32_a_device_that_lacks_everything_is_told_the_account_and_not_its_history', {
    timeout: LIMIT_MS,
  }, async () => {
    const accounts = await beside(STEADY)
    await Promise.all(accounts.map((account) => account.forget()))
    const told = await Promise.all(accounts.map((account) => account.whole()))
    for (const { told: answer } of told) expect(answer.news.tag).toBe('snapshot')
    const [few, many] = told.map(({ cost }) => [cost]) as [Cost[], Cost[]]
    expect(grown(sum(few), sum(many)), shown(few, many)).toEqual([])
  })

  /** The controls: the same measures of what must grow, through the product, and of a query that has no index. */
  test('b32_to_read_the_log_of_an_object_costs_more_the_longer_it_is', { timeout: LIMIT_MS }, async () => {
    const accounts = await beside(STEADY)
    const [few, many] = (await Promise.all(accounts.map((account) => account.export()))) as [Cost, Cost]
    expect(grown(few, many)).toEqual(['statements', 'rowsRead', 'bytesRead', 'bytesBound', 'down'])
    const scans = (await Promise.all(accounts.map((account) => account.scan()))) as [Cost, Cost]
    expect(grown(...scans)).toEqual(['rowsRead'])
  })
})
