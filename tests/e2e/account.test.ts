/** A player's account beside the matches, on every host: what a match pays, who may see it, and a room for nobody else. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf, Device, guest, type Session, until } from './device'
import { Bot, QUIET } from './support/bot'
import { HOSTS, Host } from './support/hosts'

/** Matches that are over soon. */
const SHORT = { ...QUIET, countdown_ms: 500, play_ms: 1_000, over_ms: 500 }

/** What the rules show of an account. */
interface Account {
  coins: number
  look: number
  matches: { played: number; won: number }
  goals: string[]
  seeds: unknown[]
}

describe.each(HOSTS)('on %s', (name) => {
  let host: Host
  beforeAll(async () => {
    host = await Host.open(name, { BATON_ROOMS: JSON.stringify({ rooms: { contagion: SHORT } }) })
  })
  afterAll(() => host?.close())

  const look = async (session: Session, of = 'me') =>
    host.send(`${host.url}/api/rooms/account/${of}/view`, {
      headers: { authorization: `Bearer ${session.token}` },
    })
  const accountOf = async (session: Session): Promise<Account | null> => {
    const answer = await look(session)
    if (answer.status !== 200) return null
    return ((await answer.json()) as { game: Account }).game
  }

  test('x03_b14_what_matches_award_an_account_receives_once_and_every_device_sees_it', async () => {
    const bots = await Promise.all([1, 2].map(() => Bot.join(host.url, 'pays', host.send)))
    const [bot] = bots as [Bot, Bot]
    const device = new Device(host.url, 'account/me', bot.session, host.send)
    // Two matches, and into the third.
    await Promise.all(bots.map((each) => each.until('the third match', () => each.view().hud.match_id >= 3, 60_000)))
    for (const each of bots) await each.leave()
    // Whoever is asked next delivers what is left: a spectator of the match.
    const watcher = await Bot.of(host.url, 'pays', host.send)
    await until(async () => {
      await watcher.ask()
      const accounts = await Promise.all(bots.map((each) => accountOf(each.session)))
      return accounts.every((account) => (account?.matches.played ?? 0) >= 2)
    })
    const first = await accountOf(bot.session)
    const { played, won } = first?.matches ?? { played: 0, won: 0 }
    expect(won).toBe(played)
    expect(first?.goals).toEqual(['first_match', 'first_rescue'])
    // Rewards are the room's own, once; the rest is what each match pays.
    expect(first?.coins).toBeGreaterThanOrEqual(50 + 100 + played * 50)
    await device.join()
    const told = await device.ask(device.hail())
    expect(told.head.v).toBeGreaterThanOrEqual(played)
    // More requests of the match deliver nothing again.
    for (let again = 0; again < 5; again += 1) await watcher.ask()
    expect(await accountOf(bot.session)).toMatchObject({ coins: first?.coins, matches: { played } })
  })

  test('b05_b10_a_device_changes_what_it_may_and_forged_rewards_change_nothing', async () => {
    const session = await guest(host.url, host.send)
    const device = new Device(host.url, 'account/me', session, host.send)
    await device.join()
    const before = await accountOf(session)
    // A look; a look that was never bought; a match, a reward, a purchase and a grant that nobody made.
    const look = [3, 2]
    const forged = [[3, 7], [0, 1, 1, 255, 1, 1, 1, 1, 1], [5, 3], [8, 2], [9, 254, 1, 0], [42]]
    const verdicts = await device.act(look, ...forged)
    expect(verdicts).toEqual([0, 10, 1, 1, 1, 1, 0xff00])
    const after = await accountOf(session)
    expect(after).toMatchObject({ ...before, look: 2 })
    expect(after?.seeds.length).toBeGreaterThan(0)
  })

  test('b11_nobody_else_sees_an_account_or_acts_in_it', async () => {
    const [ann, bob] = await Promise.all([guest(host.url, host.send), guest(host.url, host.send)])
    const device = new Device(host.url, 'account/me', ann, host.send)
    await device.join()
    await device.act([3, 1])
    for (const of of [ann.user, 'nobody']) expect(await codeOf(await look(bob, of))).toBe('404 not_found')
    const forged = new Device(host.url, `account/${ann.user}`, bob, host.send)
    const copied = forged.request({
      ...device.hail({ actions: [{ seq: 2, version: 1, body: new Uint8Array([3, 3]) }] }),
    })
    expect(await codeOf(await forged.send(copied))).toBe('404 not_found')
    for (const path of ['tail', 'snapshot', 'live'])
      expect(await codeOf(await host.send(`${host.url}/api/rooms/account/${ann.user}/${path}`, {}))).toBe(
        '404 not_found',
      )
    expect(await accountOf(ann)).toMatchObject({ look: 1 })
  })
})
