/**
 * Accounts whose rules change while they are live, on workerd and in both modes: the server has three versions of an account's
 * rules and two of a second game's (`crates/editions`), and the settings say which are wanted. A deploy is another start on
 * the same storage. Old pages are the wasm that ships, and packets that were recorded.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Device, type Session } from './device'
import { Accounts, doneIn, grant, look, switchesIn, volume } from './support/accounts'
import { until } from './support/browser'
import { ROOT } from './support/cargo'
import { buildEditions, Page, type Rules, replay } from './support/edition'
import { deliver, handIn, handInAs, packetOf, register, standing } from './support/packets'
import type { Logged } from './support/room-log'

const LIMIT_MS = 180_000
const PATIENCE_MS = 60_000
/** The server's alone, no seed of these, too few coins; of the second rules: too long a motto. */
const [SERVER_ONLY, UNKNOWN_SEED, POOR, LONG] = [1, 3, 8, 40]
/** No action of these rules, and none any more. */
const [MALFORMED, OUTDATED] = [0xff00, 0xff02]

const motto = (text: string) => [11, text.length, ...new TextEncoder().encode(text)]
const shaded = (value: number, shade: number) => [3, value, shade]
const CONTRAST = [4, 2, 1]
const LONG_MOTTO = motto('twenty letters or so')

/** What a page of the second version may have kept, and what the third rules say to it. */
const KEPT_BY_SECOND: [body: number[], verdict: number][] = [
  [shaded(2, 9), 0],
  [motto('hi'), 0],
  [LONG_MOTTO, 0],
  [[9, 2, 2], SERVER_ONLY],
  // The second rules still read it as their own.
  [CONTRAST, 0],
  [[12], OUTDATED],
]

/** What is recorded of pages of the first version, and what the second and third rules say to it. */
function recorded(): [body: number[], verdict: number][] {
  const text = readFileSync(join(ROOT, 'tests/golden/actions-account-v1.json'), 'utf8')
  const all = JSON.parse(text) as { bytes: string; means: string | Record<string, unknown> }[]
  const said: Record<string, number> = { look: 0, prefer: OUTDATED, run: UNKNOWN_SEED, buy: POOR }
  return all.map(({ bytes, means }) => {
    const kind = typeof means === 'string' ? means : (Object.keys(means)[0] ?? '')
    return [[...Buffer.from(bytes, 'hex')], said[kind] ?? SERVER_ONLY]
  })
}

beforeAll(buildEditions, 600_000)

describe.each(['embedded', 'stateless'] as const)('on %s', (name) => {
  let all: Accounts
  beforeAll(async () => {
    all = await Accounts.open(name, 'altered')
  }, 600_000)
  afterAll(() => all?.close())
  const pages: Page[] = []
  // Every account begins on the first rules.
  beforeEach(() => all.deploy({}, 'altered'))
  afterEach(() => {
    for (const page of pages.splice(0)) page.close()
  })

  const page = (rules: Rules, session: Session): Page => {
    const opened = new Page(rules, session, all.host.send)
    pages.push(opened)
    return opened
  }
  const byHand = async (session: Session): Promise<Device> => {
    const device = new Device(all.host.url, 'account/me', session, all.host.send)
    await register(device)
    return device
  }

  test('b30_recorded_clients_of_both_versions_before_sync_and_what_they_wrote_is_kept_as_they_wrote_it', {
    timeout: LIMIT_MS,
  }, async () => {
    const session = await all.user()
    await handIn(await all.device(session), look(1))
    const first = recorded()
    for (const version of [2, 3]) {
      await all.deploy({ account: version }, 'altered')
      const old = await byHand(session)
      const bodies = first.map(([body]) => body)
      expect(await handInAs(1, old, bodies)).toEqual(first.map(([, verdict]) => verdict))
      // What becomes of a later kind is the word of the rules that the account is on.
      const long = await handInAs(2, await byHand(session), [LONG_MOTTO])
      expect(long).toEqual([version === 2 ? LONG : 0])
    }
    const second = await byHand(session)
    const told = await handInAs(
      2,
      second,
      KEPT_BY_SECOND.map(([body]) => body),
    )
    expect(told).toEqual(KEPT_BY_SECOND.map(([, verdict]) => verdict))
    expect(await handInAs(0, second, [look(5)])).toEqual([OUTDATED])
    // A field more than the kind has; and what is of a version that is still to come waits for it.
    const early = await byHand(session)
    expect(await handInAs(3, early, [[...shaded(1, 5), 0]])).toEqual([MALFORMED])
    const before = await all.log(session)
    await deliver(early, packetOf(early, 2, [shaded(1, 5)], 4))
    expect(await standing(early, 1)).toEqual([1, [MALFORMED]])
    const log = await all.log(session)
    expect(log.length).toBe(before.length)

    const { version, game } = await all.shown(session)
    expect(version).toBe(3)
    expect(game).toMatchObject({ look: 2, shade: 9, mottos: 3, motto: 'twenty letters or so' })
    const kept = log.flatMap(({ entries }) => entries.filter((entry) => entry.tag === 'upcast'))
    expect(kept.map(({ version, body }) => [version, [...body]])).toEqual([
      [1, look(3)],
      [1, look(3)],
      [2, LONG_MOTTO],
      [2, shaded(2, 9)],
      [2, motto('hi')],
      [2, LONG_MOTTO],
      [2, CONTRAST],
    ])
    const versions = [[1, 1], ...switchesIn(log)]
    expect(versions.map(([, version]) => version)).toEqual([1, 2, 3])
    const read = await replay('later', log)
    expect(read).toMatchObject({ v: log.length, hash: log.at(-1)?.hash, versions, shown: { look: 2, mottos: 3 } })
  })

  test('b30_b31_the_switch_is_one_recorded_frame_an_old_page_keeps_its_queue_and_an_old_build_loses_nothing', {
    timeout: LIMIT_MS,
  }, async () => {
    const session = await all.user()
    const reader = await all.device(session)
    const phone = await all.keeper(session)
    await phone.does([70])
    const before = await all.log(session)
    // Offline, by the rules that ship.
    phone.replica.look(3, phone.now())
    phone.replica.prefer('contrast', 1, phone.now())
    phone.replica.prefer('calm', 1, phone.now())

    await all.deploy({ account: 2 }, 'altered')
    const laptop = page('later', session)
    await laptop.until('the second rules', ({ rules, number }) => rules === 2 && number !== null)
    const at = before.length + 1
    const switched = await all.log(session)
    expect(switchesIn(switched)).toEqual([[at, 2]])
    expect(switched.map(({ stored }) => stored).slice(0, at - 1)).toEqual(before.map(({ stored }) => stored))
    expect(switched.map(({ rules }) => rules)).toEqual(switched.map(({ v }) => (v < at ? 0 : 1)))

    // The old page: what it did is taken as the new rules read it, and it is told to load again.
    await until('answers', PATIENCE_MS, async () => {
      await phone.ask()
      return phone.replica.pending() === 0
    })
    const notes = JSON.parse(phone.replica.notes()) as { note: string; seq?: number; code?: number }[]
    const answers = notes.filter(({ note }) => note === 'answer').map(({ seq, code }) => [seq, code])
    expect(answers).toEqual([
      [1, 0],
      [2, 0],
      [3, OUTDATED],
      [4, 0],
    ])
    expect(new Set(notes.map(({ note }) => note))).toEqual(new Set(['answer', 'reload']))
    expect(phone.replica.status(phone.now())).toBe('reload')
    const shown = await all.shown(session)
    expect(shown).toMatchObject({ version: 2, game: { look: 3, shade: 0, preferences: { volume: 70, calm: 1 } } })
    expect(shown.game.preferences).not.toHaveProperty('contrast')

    // From the first frame over the switch; who has the first rules alone comes as far as that.
    const log = await all.log(session)
    await laptop.follows(log)
    expect(await replay('account', log)).toMatchObject({ refuses: at })
    const versions = [
      [1, 1],
      [at, 2],
    ]
    expect(await replay('later', log)).toMatchObject({ hash: log.at(-1)?.hash, versions })
    // What a process that begins cold makes of it is what one had that saw it happen.
    const warm = [await all.seen(reader), await all.game(reader)]
    await all.host.restart()
    expect([await all.seen(reader), await all.game(reader)]).toEqual(warm)

    // A build that lacks the second rules: it says so, and what it takes waits for one that has them.
    await all.deploy({})
    expect(await all.shown(session)).toMatchObject({ code: 'rules' })
    const onward = await laptop.act(2, motto('onward'))
    for (let turn = 0; turn < 3; turn += 1) expect(await laptop.turn()).toBe('rules')
    expect((await laptop.look()).pending).toBe(1)
    phone.replica.prefer('volume', 33, phone.now())
    await phone.ask()
    await all.deploy({ account: 2 }, 'altered')
    await laptop.until('an answer', ({ pending }) => pending === 0)
    await until('an answer', PATIENCE_MS, async () => {
      await phone.ask()
      return phone.replica.pending() === 0
    })
    const after = await all.log(session)
    expect(after.slice(0, log.length).map(({ stored }) => stored)).toEqual(log.map(({ stored }) => stored))
    const again = doneIn(after.slice(log.length)).map(([, seq, what]) => [seq, what])
    expect(again).toEqual([[onward, motto('onward')]])
    expect(laptop.answers).toEqual([[onward, 0]])
    const kept = after.slice(log.length).flatMap(({ entries }) => entries.filter((entry) => entry.tag === 'upcast'))
    expect(kept.map(({ seq, version, body }) => [seq, version, [...body]])).toEqual([[5, 1, volume(33)]])
    expect(switchesIn(after)).toEqual([[at, 2]])
    await laptop.follows(after)
    expect((await laptop.look()).shown).toMatchObject({ motto: 'onward', preferences: { volume: 33 } })
  })

  test('b36_two_games_of_one_user_change_their_rules_apart_and_one_pays_into_the_other_once', {
    timeout: LIMIT_MS,
  }, async () => {
    const [SOW, HARVEST, WATER] = [(count: number) => [0, count], [1], [2]]
    const session = await all.user()
    const [garden, phone] = [page('garden', session), page('later', session)]
    for (const each of [garden, phone]) await each.until('a number', ({ number }) => number !== null)
    const chores = async (version: number, ...bodies: number[][]) => {
      for (const body of bodies) await garden.act(version, body)
      await garden.until('answers', ({ pending }) => pending === 0)
    }
    const paid = async (scrap: number) => {
      const had = await until('a payment', PATIENCE_MS, async () => {
        await garden.turn()
        const had = (await all.view(session)).scrap as number
        return had >= scrap && had
      })
      expect(had).toBe(scrap)
    }
    const logs = (): Promise<[Logged[], Logged[]]> => Promise.all([all.log(session), all.log(session, 'garden')])
    await chores(1, SOW(5), HARVEST)
    await paid(5)

    // A build without gardens has the account all the same.
    await all.deploy({})
    expect(await garden.turn()).toBe('not_found')
    await phone.act(1, volume(40))
    await phone.until('an answer', ({ pending }) => pending === 0)

    // The garden's rules change: not a frame of the account says so, or is made for it.
    const before = await all.log(session)
    await all.deploy({ garden: 2 }, 'altered')
    await garden.until('the second rules', ({ rules }) => rules === 2)
    await phone.turn()
    const [account, bed] = await logs()
    expect([switchesIn(account), switchesIn(bed).map(([, version]) => version)]).toEqual([[], [2]])
    expect(account.length).toBe(before.length)
    // By the garden's new rules, into the old account, which changes while that is on its way.
    await chores(2, SOW(5), WATER, HARVEST)
    await all.deploy({ garden: 2, account: 2 }, 'altered')
    await phone.until('the second rules', ({ rules }) => rules === 2)
    await paid(5 + 10)
    await phone.act(2, motto('both'))
    await phone.until('an answer', ({ pending }) => pending === 0)
    await chores(2, SOW(7), HARVEST)
    await paid(15 + 7)

    const ends = await logs()
    const versions = ends.map((log) => switchesIn(log).map(([, version]) => version))
    expect(versions).toEqual([[2], [2]])
    const sender = `garden/${session.user}`
    const received = ends[0].flatMap(({ entries, rules }) =>
      entries.flatMap((entry) => (entry.tag === 'receive' && entry.sender === sender ? [{ ...entry, rules }] : [])),
    )
    expect(received.map(({ body }) => [...body])).toEqual([grant(0, 5), grant(0, 10), grant(0, 7)])
    // What was on its way came before the change or after it.
    expect([received[0]?.rules, received[2]?.rules]).toEqual([0, 1])
    for (const [rules, opened, log] of [
      ['later', phone, ends[0]],
      ['garden', garden, ends[1]],
    ] as const) {
      await opened.follows(log)
      const read = await replay(rules, log)
      expect(read).toMatchObject({ hash: log.at(-1)?.hash, versions: [[1, 1], ...switchesIn(log)] })
    }
    expect([phone.answers, garden.answers.map(([seq, code]) => code && seq)]).toEqual([
      [
        [1, 0],
        [2, 0],
      ],
      Array(7).fill(0),
    ])
    expect((await phone.look()).shown).toMatchObject({ scrap: 22, motto: 'both' })
  })
})
