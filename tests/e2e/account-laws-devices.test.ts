/**
 * The laws of an account with several devices on every host: offline, with clocks ten years apart, in conflict, away for long,
 * beside an operator who hands over an account of the time before. Devices are the client's wasm, and one by hand that lies.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plain } from '../../js-host/bench/figure'
import type { AccountReplica } from '../../js-host/dist/wasm/client/baton_client'
import type { AccountView } from '../../js-host/src/client/account'
import type { Device, Session } from './device'
import { Accounts, doneIn, grant, look, varint, volume } from './support/accounts'
import { HOSTS } from './support/hosts'
import type { Keeper } from './support/keeper'
import { handIn } from './support/packets'
import { encode, reply } from './wire'

const LIMIT_MS = 180_000
const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000
/** So many actions a request carries. */
const WINDOW = 32
/** Of what a reply is beside its news. */
const REPLY_BYTES = 1_024
/** What is sold for coins; not enough, nor what may be overspent. */
const [OTHER_CURRENCY, POOR] = [9, 8]
const SERVER_ONLY = 1
const [RAINCOAT, WELDER] = [150, 400]

/** An account of the time before: coins, scrap, nine matches of which two were won, a goal, a look, preferences. */
const LEGACY = [
  ...[10, ...varint(70), ...varint(40)],
  ...[9, 2, ...varint(812), ...varint(90_000), 3, 1, 0],
  ...[0, 0, 0, 0, 0, 0, 0],
  ...[1, 0],
  ...[0, 3],
  ...[2, 0, 55, 1, 1],
]
/** What the server gives by itself for a match that was won, which was not rewarded in that time. */
const RESCUE = 100

/** A clock so far ahead. */
const ahead = (ms: number) => () => performance.now() + ms

/** Does something at once; it is in the queue under the next number. */
function does(keeper: Keeper, act: (replica: AccountReplica, now_ms: number) => number): void {
  const before = keeper.replica.pending()
  expect(act(keeper.replica, keeper.now())).toBeGreaterThan(0)
  expect(keeper.replica.pending()).toBe(before + 1)
}
const sets = (keeper: Keeper, name: string, value: number) => does(keeper, (of, now) => of.prefer(name, value, now))
const wears = (keeper: Keeper, which: number) => does(keeper, (of, now) => of.look(which, now))
const buys = (keeper: Keeper, item: string) => does(keeper, (of, now) => of.buy(item, now))

const shown = (keeper: Keeper): AccountView => keeper.view() ?? expect.fail('nothing is known of the account')
/** What a device has been told, byte by byte: it follows the log alone. */
const synced = ({ replica }: Keeper) => ({
  ...{ v: replica.version(), hash: replica.hash() },
  room: Buffer.from(replica.saveRoom() ?? []).toString('hex'),
})

describe.each(HOSTS)('on %s', (name) => {
  let all: Accounts
  beforeAll(async () => {
    all = await Accounts.open(name)
  }, 600_000)
  afterAll(() => all?.close())

  /** Devices of a user with clocks so far ahead, who have some scrap and know it. */
  const family = async (session: Session, aheads_ms: number[], coins: number, scrap: number): Promise<Keeper[]> => {
    const keepers = await Promise.all(aheads_ms.map((ms) => all.keeper(session, ahead(ms))))
    await all.operate(session, grant(coins, scrap))
    for (const keeper of keepers) await keeper.until('what was given', (view) => view.scrap === scrap)
    await level(session, keepers)
    return keepers
  }

  /** All ask until they are where the log is, and nothing waits. */
  const level = async (session: Session, keepers: Keeper[]): Promise<void> => {
    const last = (await all.log(session)).length
    for (const keeper of keepers) {
      const quiet = ({ waiting }: AccountView) => waiting.length === 0 && keeper.replica.pending() === 0
      await keeper.until('everything', (view) => keeper.replica.version() >= last && quiet(view))
    }
    if ((await all.log(session)).length > last) await level(session, keepers)
  }

  /** A device is where a fresh one comes to by the log from its first frame on, and its queue on top of that. */
  const lawful = async (session: Session, keeper: Keeper): Promise<void> => {
    const log = (await all.log(session)).slice(0, keeper.replica.version())
    const last = log.at(-1) ?? expect.fail('no log')
    const fresh = keeper.another()
    const answer = {
      ...{ protocol: 1, lineage: new Uint8Array(8), rules: 1, now_ms: last.time_ms, ask_ms: 50, device: null },
      head: { v: last.v, hash: new Uint8Array(Buffer.from(last.hash, 'hex')) },
      news: { tag: 'frames' as const, frames: log.map(({ stored }) => stored) },
    }
    expect(fresh.receive(encode(reply, answer), keeper.now(), keeper.now())).toBe(true)
    expect([keeper.replica.hash(), fresh.hash()]).toEqual([last.hash, last.hash])
    expect(Buffer.from(fresh.saveRoom() ?? []).toString('hex')).toBe(synced(keeper).room)
    expect(JSON.parse(fresh.account() ?? 'null')).toEqual(shown(keeper))
    fresh.free()
  }

  /** Three devices and a liar are offline, do what contradicts, and come back in this order. */
  const story = async (aheads_ms: number[], order: number[]) => {
    const session = await all.user()
    const liar = await all.device(session)
    const keepers = await family(session, aheads_ms, 70, 600)
    const [phone, laptop, tablet] = keepers as [Keeper, Keeper, Keeper]
    const before = keepers.map(synced)
    buys(phone, 'raincoat')
    wears(phone, 4)
    sets(phone, 'volume', 10)
    sets(phone, 'calm', 1)
    buys(laptop, 'welder')
    wears(laptop, 5)
    sets(laptop, 'volume', 20)
    sets(laptop, 'contrast', 1)
    // Each plays by itself; what that is worth, no device knows.
    for (const keeper of [phone, laptop]) keeper.run()
    // More than a request carries.
    for (let turn = 0; turn < WINDOW + 8; turn += 1) sets(tablet, 'volume', 100 + turn)
    wears(tablet, 3)
    const offline = keepers.map(shown).map((view) => [view.scrap, view.look, view.preferences, view.waiting.length])
    expect(offline).toEqual([
      [600 - RAINCOAT, 4, { volume: 10, calm: 1 }, 1],
      [600 - WELDER, 5, { volume: 20, contrast: 1 }, 1],
      [600, 3, { volume: 100 + WINDOW + 7 }, 0],
    ])
    expect(keepers.map((keeper) => shown(keeper).games)).toEqual([0, 0, 0])
    // A page dies; its queue does not.
    const died = shown(laptop)
    laptop.reload()
    expect(shown(laptop)).toEqual(died)
    // Of all that, nobody was told.
    expect(keepers.map(synced)).toEqual(before)
    expect(keepers.map(({ replica }) => replica.pending())).toEqual([5, 5, WINDOW + 9])
    // What no page can queue is forged.
    const forged = [grant(1_000_000, 1_000_000), look(1), [5, 3]]
    expect(await handIn(liar, ...forged)).toEqual([SERVER_ONLY, 0, SERVER_ONLY])
    let rebased = 0
    for (const index of order) {
      const keeper = keepers[index] as Keeper
      const known = synced(keeper).v
      // More is done while the first request is under way: what it brings comes below that.
      const asked = keeper.ask()
      sets(keeper, 'left_handed', index + 1)
      await asked
      while (synced(keeper).v === known) await keeper.turn()
      if (keeper.replica.pending() > 0) rebased += 1
      expect(shown(keeper).preferences).toMatchObject({ left_handed: index + 1 })
      while (keeper.replica.pending() > 0) {
        await lawful(session, keeper)
        await keeper.turn()
      }
      await lawful(session, keeper)
    }
    expect(rebased).toBeGreaterThan(0)
    await level(session, keepers)
    return { session, keepers, log: await all.log(session) }
  }

  test('b06_b16_b21_b22_b23_b35_devices_ten_years_apart_end_where_the_servers_order_puts_them', {
    timeout: LIMIT_MS,
  }, async () => {
    const order = [1, 2, 0]
    const told = []
    for (const aheads_ms of [
      [0, 2 * TEN_YEARS_MS, TEN_YEARS_MS],
      [2 * TEN_YEARS_MS, TEN_YEARS_MS, 0],
    ]) {
      const { session, keepers, log } = await story(aheads_ms, order)
      // All are at the same, which is what the log says and the host shows.
      expect(new Set(keepers.map((keeper) => synced(keeper).hash))).toEqual(new Set([log.at(-1)?.hash]))
      expect(new Set(keepers.map((keeper) => synced(keeper).room)).size).toBe(1)
      const { seeds, sold, ...view } = await all.view(session)
      for (const keeper of keepers) expect(shown(keeper)).toMatchObject(view)
      // Each device's numbers are dense, in its order; what it did is in the log as it did it.
      const done = doneIn(log)
      const numbers = [...new Set(done.map(([device]) => device))]
      for (const number of numbers) {
        const seqs = done.filter(([device]) => device === number).map(([, seq]) => seq)
        expect(seqs).toEqual(seqs.map((_, at) => at + 1))
      }
      expect(numbers.length).toBe(4)
      // The order is that of receipt, and who was heard last has the last word, field by field.
      const bodies = done.flatMap(([, , what]) => (Array.isArray(what) ? [what] : []))
      const lastOf = (...begins: number[]) =>
        bodies
          .filter((body) => begins.every((byte, at) => body[at] === byte))
          .at(-1)
          ?.at(-1)
      expect([view.look, lastOf(3)]).toEqual([4, 4])
      expect(view.preferences).toEqual({ volume: 10, left_handed: 1, contrast: 1, calm: 1 })
      expect([lastOf(4, 0), lastOf(4, 1)]).toEqual([10, 1])
      // What adds up is there of all of them.
      const judged = view.judged as ({ scrap: number } | { flaw: string })[]
      expect(judged.length).toBe(2)
      // Of runs that were handed in at once, none or few are paid: one that was over sooner than that.
      expect(judged.flatMap((each) => ('flaw' in each ? [each.flaw] : []))).toContain('too_soon')
      const paid = judged.flatMap((each) => ('scrap' in each ? [each.scrap] : []))
      const scrap = paid.reduce((sum, each) => sum + each, 600 - RAINCOAT - WELDER)
      expect(view).toMatchObject({ coins: 70, scrap, games: paid.length, items: ['raincoat', 'welder'] })
      // Numbers of devices are given as they come; who is meant is told by when they first were heard.
      const what = (what: number[] | number) => (Array.isArray(what) && what[0] === 1 ? 'a run' : what)
      told.push(done.map(([device, seq, each]) => [numbers.indexOf(device), seq, what(each)]))
    }
    expect(told[1]).toEqual(told[0])
  })

  test('b20_who_was_long_away_downloads_no_more_than_the_state_and_all_of_its_queue_counts', {
    timeout: LIMIT_MS,
  }, async () => {
    const [own, foreign, writers] = [300, 2_048, 4]
    const session = await all.user()
    const [keeper] = (await family(session, [0], 0, 10)) as [Keeper]
    const away = keeper.replica.version()
    for (let count = 0; count < own; count += 1) sets(keeper, 'contrast', count % 251)
    const others: Device[] = []
    for (let index = 0; index < writers; index += 1) others.push(await all.device(session))
    await Promise.all(
      others.map(async (device) => {
        while (device.seq < foreign / writers) {
          await handIn(device, ...Array.from({ length: WINDOW }, (_, at) => volume((device.seq + at) % 100)))
        }
      }),
    )
    const missing = (await all.log(session)).length - away
    // The first answer, as it comes.
    let download = 0
    const counted = keeper.replica.receive.bind(keeper.replica)
    keeper.replica.receive = (body, sent_ms, now_ms) => {
      download ||= body.length
      return counted(body, sent_ms, now_ms)
    }
    while (download === 0) await keeper.turn()
    const state = keeper.replica.saveRoom()?.length ?? 0
    expect(keeper.replica.version() - away).toBeGreaterThanOrEqual(missing)
    expect(download).toBeGreaterThan(0)
    expect(download).toBeLessThanOrEqual(state + REPLY_BYTES)
    plain(`what ${missing} versions bring on ${name}, for a state of ${state}`, download, 'B')
    expect(shown(keeper).preferences).toEqual({ volume: (foreign / writers - 1) % 100, contrast: (own - 1) % 251 })
    await level(session, [keeper])
    const done = doneIn(await all.log(session))
    const mine = done.filter(([, , what]) => Array.isArray(what) && what[1] === 2)
    expect(mine.map(([, seq, what]) => [seq, what])).toEqual(mine.map((_, at) => [at + 1, [4, 2, at % 251]]))
    expect([mine.length, done.length]).toEqual([own, own + foreign])
  })

  test('b24_b26_scrap_that_two_devices_spent_stops_at_zero_within_tolerance_and_coins_are_not_touched', {
    timeout: LIMIT_MS,
  }, async () => {
    /** Both spend while both are offline; the second is heard after the first. What they were told of their own, 0 or why not. */
    const spends = async (taken: number) => {
      const session = await all.user()
      const liar = await all.device(session)
      const keepers = await family(session, [0, TEN_YEARS_MS], 5_000, WELDER)
      const [first, second] = keepers as [Keeper, Keeper]
      // What is sold for coins is bought by no page, and by no forger.
      for (const { replica, now } of keepers) expect(replica.buy('nurse', now())).toBe(-1_000 - OTHER_CURRENCY)
      const forged = await handIn(liar, [2, 2], [8, 2], grant(1, 0))
      expect(forged).toEqual([OTHER_CURRENCY, SERVER_ONLY, SERVER_ONLY])
      buys(first, 'welder')
      buys(second, 'raincoat')
      if (taken > 0) await all.operate(session, grant(0, -taken))
      const screens = () => keepers.map((keeper) => [shown(keeper).scrap, shown(keeper).coins])
      const seen = [...screens()]
      for (const keeper of keepers) {
        while (keeper.replica.pending() > 0) {
          await keeper.turn()
          seen.push(...screens())
        }
      }
      await level(session, keepers)
      seen.push(...screens())
      // Unsigned as they are, less than nothing would be very much.
      expect(seen.filter(([scrap, coins]) => (scrap ?? -1) < 0 || (scrap ?? -1) > WELDER || coins !== 5_000)).toEqual(
        [],
      )
      const view = await all.view(session)
      for (const keeper of keepers) expect(shown(keeper)).toMatchObject({ scrap: view.scrap, items: view.items })
      expect(view).toMatchObject({ scrap: 0, coins: 5_000 })
      const answers = keepers.flatMap(({ replica }) =>
        (JSON.parse(replica.notes()) as { note: string; code?: number }[]).filter(({ note }) => note === 'answer'),
      )
      return { items: view.items, codes: answers.map(({ code }) => code) }
    }
    // 150 more than there was: within what is tolerated, so both keep what they bought.
    expect(await spends(0)).toEqual({ items: ['raincoat', 'welder'], codes: [0, 0] })
    // All of it was taken back before the first was heard: that one uses the tolerance up.
    expect(await spends(WELDER)).toEqual({ items: ['welder'], codes: [0, POOR] })
  })

  test('b02_b37_b38_an_account_of_the_time_before_comes_first_or_while_devices_act_and_the_log_replays_to_what_is_shown', {
    timeout: LIMIT_MS,
  }, async () => {
    const lineage = 'feed'.padEnd(16, '0')
    const again = (session: Session) => Promise.all([1, 2, 3].map(() => all.operate(session, LEGACY, lineage)))
    const [early, busy] = [await all.user(), await all.user()]
    // Before any device was there, it is what happens first.
    await again(early)
    const read = all.reads(early, await all.log(early))
    const first = (await read.told()).filter(({ sequence }) => sequence === 1)
    expect(first).toMatchObject([{ entry: 'receive', sender: 'operator/admin' }])
    expect(await read.at(1)).toMatchObject({ coins: 70, scrap: 40, look: 3, matches: { played: 9, won: 2, best: 812 } })
    // Or it comes while three devices act, who are refused nothing.
    for (const session of [early, busy]) {
      const keepers = await Promise.all([0, 1, 2].map(() => all.keeper(session)))
      const turns = 4
      let came: Promise<unknown> = Promise.resolve()
      await Promise.all(
        keepers.map(async (keeper, index) => {
          for (let turn = 0; turn < turns; turn += 1) {
            if (index === 0 && turn === turns / 2) came = again(session)
            does(keeper, (of, now) => of.look(turn % 3, now))
            await keeper.does([index * 50 + turn])
          }
        }),
      )
      await came
      await level(session, keepers)
      // Once; what was counted is added, and what was chosen since stays.
      const log = await all.log(session)
      const taken = log.flatMap(({ entries }) => entries.filter(({ tag }) => tag === 'receive' || tag === 'decline'))
      expect(taken.map(({ tag }) => tag)).toEqual(['receive'])
      const view = await all.view(session)
      const done = doneIn(log).map(([, , what]) => what as number[])
      expect(done.length).toBe(keepers.length * turns * 2)
      expect(done.every(Array.isArray)).toBe(true)
      const last = done.filter(([kind]) => kind === 4).at(-1)?.[2]
      expect(view).toMatchObject({
        ...{ coins: 70 + RESCUE, scrap: 40, imported: true, matches: { played: 9, won: 2 } },
        goals: ['first_match', 'first_rescue'],
        preferences: { volume: last, left_handed: 1 },
      })
      for (const keeper of keepers) expect(shown(keeper)).toMatchObject({ coins: view.coins, look: view.look })
      // By another build of the rules the log comes to the hash that host and devices show, and to what they show.
      const read = all.reads(session, log)
      const replayed = await read.replayed()
      expect(replayed?.hash).toBe(log.at(-1)?.hash)
      expect(new Set(keepers.map((keeper) => synced(keeper).hash))).toEqual(new Set([replayed?.hash]))
      const { coins, scrap, matches, goals, look: worn, preferences } = view
      expect(await read.at(replayed?.sequence ?? 0)).toMatchObject({
        coins,
        scrap,
        matches,
        goals,
        look: worn,
        preferences,
      })
      // What was written is what was read; and with one action another, it is no longer sound.
      const at = log.findLastIndex(({ entries }) => entries.some(({ tag }) => tag === 'act'))
      const forged = log.map((frame, index) => {
        const stored = frame.stored.slice()
        const body = frame.entries.find(({ tag }) => tag === 'act')
        if (index !== at || body?.tag !== 'act') return frame
        const place = Buffer.from(stored).indexOf(body.body)
        stored[place + body.body.length - 1] = (stored[place + body.body.length - 1] ?? 0) ^ 1
        return { ...frame, stored }
      })
      expect(await all.reads(session, forged).replayed()).toBeNull()
    }
  })
})
