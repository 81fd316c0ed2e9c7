/**
 * The story of a repair (`crates/cli/README.md`), on workerd and in both modes: the server's accounts are paid every reward
 * twice, the history shows where, other rules show whom it met, a frame switches the rules, actions of the operator take back
 * what was too much, and pages follow.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Session } from './device'
import { Accounts, BUY_NURSE, grant, look, switchesIn, varint } from './support/accounts'
import { buildEditions, Page, replay } from './support/edition'
import type { Logged } from './support/room-log'

const LIMIT_MS = 180_000
/** Too few coins. */
const POOR = 8
const REWARD = { reward: 'first_match' }

/** A match that is over, as its room would send it. */
const match = (score: number, won = false) => [0, 1, Number(won), ...varint(score), ...varint(60_000), 0, 0, 0]
/** What the shop in town would send. */
const PURCHASE_NURSE = [8, ...BUY_NURSE.slice(1)]

beforeAll(buildEditions, 600_000)

describe.each(['embedded', 'stateless'] as const)('on %s', (name) => {
  let all: Accounts
  const pages: Page[] = []
  beforeAll(async () => {
    all = await Accounts.open(name, 'doubled')
  }, 600_000)
  afterEach(() => {
    for (const page of pages.splice(0)) page.close()
  })
  afterAll(() => all?.close())

  const player = async (): Promise<[Session, Page]> => {
    const session = await all.user()
    const page = new Page('doubled', session, all.host.send)
    pages.push(page)
    await page.until('a number', ({ number }) => number !== null)
    return [session, page]
  }

  test('b28_a_fault_is_found_its_users_listed_the_rules_switched_what_was_spent_mended_and_pages_follow', {
    timeout: LIMIT_MS,
  }, async () => {
    const [[ann, hers], [ben, bens], [cam, his]] = [await player(), await player(), await player()]
    const users = [ann, ben, cam]
    const logs = (): Promise<[Session, Logged[]][]> =>
      Promise.all(users.map(async (user): Promise<[Session, Logged[]]> => [user, await all.log(user)]))
    const plays = async (user: Session, matches: number, score: number) => {
      for (let played = 0; played < matches; played += 1) await all.operate(user, match(score))
    }
    // Ten matches are worth 200 coins and 150 of rewards: 350. She has 500, which buys the nurse's dress.
    await Promise.all([plays(ann, 10, 400), plays(cam, 10, 400)])
    await all.operate(ann, PURCHASE_NURSE)
    // He looks on: no goal is reached without a match.
    await bens.act(1, look(2))
    await bens.until('an answer', ({ pending }) => pending === 0)
    // 400 more make it 750 that are right and 900 that he has. He buys the dress as well.
    await plays(cam, 10, 800)
    await all.operate(cam, PURCHASE_NURSE)
    const faulty = await logs()
    for (const [at, page] of [hers, bens, his].entries()) await page.follows(faulty[at]?.[1] ?? [])

    // The history shows it: a reward of 50 coins, and 100 more than before.
    const read = all.reads(cam, faulty[2]?.[1] ?? [])
    const rewarded = (await read.told()).find(({ action }) => JSON.stringify(action) === JSON.stringify(REWARD))
    const { sequence } = rewarded ?? expect.fail('no reward')
    expect([(await read.at(sequence - 1)).coins, (await read.at(sequence)).coins]).toEqual([20, 120])

    // Whom it met, under the rules as they were meant; under their own, nobody.
    const changes = await all.under('account@1', faulty)
    expect(changes.map(({ room }) => room)).toEqual([ann, cam].map(({ user }) => `account/${user}`))
    const [met, paid] = changes
    expect(met?.verdicts).toMatchObject([{ told: { action: { purchase: 'nurse' } }, would: { rejected: POOR } }])
    expect(met?.first?.action).toEqual(REWARD)
    expect([paid?.verdicts, paid?.state]).toEqual([[], [{ path: 'coins', before: 400, after: 250 }]])
    expect(await all.under('account-doubled@1', faulty)).toEqual([])

    // The mended rules are wanted: the next frame of each account changes to them, and nothing else does. Old pages are told
    // to load again, and keep what they did meanwhile.
    await hers.act(1, look(3))
    await all.deploy({ account: 2 }, 'doubled')
    for (const page of [hers, bens, his]) {
      await page.until('a reload', ({ status }) => status === 'Reload')
      expect(page.notes).toEqual(['reload'])
      await page.reload('mended')
    }
    await hers.until('an answer', ({ pending, number }) => pending === 0 && number !== null)
    const switched = await logs()
    for (const [at, [user, log]] of switched.entries()) {
      const before = faulty[at]?.[1] ?? []
      expect(switchesIn(log), user.name).toEqual([[before.length + 1, 2]])
      expect(log.slice(0, before.length).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash))
      const last = await replay('mended', log)
      expect(last).toMatchObject({ hash: log.at(-1)?.hash, shown: { coins: [0, 0, 400][at], look: [3, 2, 0][at] } })
      // Who has the faulty rules alone comes as far as that.
      expect(await replay('doubled', log)).toMatchObject({ refuses: before.length + 1 })
    }

    // What he had too much is taken back. She spent it all: what is not there is not taken.
    for (const user of [ann, cam]) {
      expect(await all.sends(user, { grant: { coins: -150, scrap: 0 } })).toContain('accepted, in frame')
    }
    expect(await all.view(cam)).toMatchObject({ coins: 250, items: ['nurse'] })
    expect(await all.view(ann)).toMatchObject({ coins: 0, items: ['nurse'], look: 3 })
    // From here on a reward is paid once: 50 coins for a match that is won, and 100 for the first.
    await all.operate(cam, match(0, true))
    expect(await all.view(cam)).toMatchObject({ coins: 250 + 50 + 100 })

    // Each page is where its log is, and shows what its log comes to; and so does a host that begins cold.
    const mended = await logs()
    for (const [at, taken] of [1, 0, 1].entries()) {
      const entries = mended[at]?.[1].flatMap(({ entries }) => entries) ?? []
      const grants = entries.filter((entry) => entry.tag === 'receive' && `${entry.body}` === `${grant(-150, 0)}`)
      expect(grants.length).toBe(taken)
    }
    const shown: unknown[] = []
    for (const [at, page] of [hers, bens, his].entries()) {
      const [user, log] = mended[at] ?? expect.fail('three')
      await page.follows(log)
      shown.push((await page.look()).shown)
      expect((await all.reads(user, log).replayed())?.hash).toBe(log.at(-1)?.hash)
    }
    await all.host.restart()
    for (const [at, user] of users.entries()) expect(await all.view(user)).toMatchObject(shown[at] as object)
  })
})
