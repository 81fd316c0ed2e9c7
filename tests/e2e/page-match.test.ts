/**
 * A match as people play it: one at a keyboard, one with two thumbs on a phone, one who found all
 * seats taken. From the countdown to the scoreboard and into the next match; all see the same.
 */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startServer } from './server'
import { compare, EMBED, openBrowser, PHONE, Player, until } from './support/browser'
import { evade } from './support/evade'
import { type Hands, Keys, Thumbs } from './support/hands'

const TILE = 256
/** Two may play. There is one zombie, for the one who looks for it. */
const CONTAGION = {
  seats: 2,
  countdown_ms: 4_000,
  play_ms: 170_000,
  over_ms: 5_000,
  city: false,
  zombies_at_start: 1,
  spawns_per_minute: 0,
  spawns_per_minute_and_player: 0,
}

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

/** The angle, of 32, from one place to another. */
function angleTo(from: { x: number; y: number }, to: { x: number; y: number }): number {
  return (Math.round((Math.atan2(to.y - from.y, to.x - from.x) * 16) / Math.PI) + 32) % 32
}

/** Walks, strikes once, and sees both happen to the own figure. */
async function tryHands(player: Player, hands: Hands): Promise<void> {
  const place = () => player.ask((baton) => baton.place())
  const from = await place()
  if (!from) throw new Error('no figure to be moved')
  // Towards the middle: nobody stands before a wall there.
  await hands.walk(from.x > 48 * TILE ? 16 : 0)
  await until('a figure that walked two tiles', 10_000, async () => {
    const now = await place()
    return now && Math.abs(now.x - from.x) > 2 * TILE
  })
  await hands.walk(null)
  await hands.strike(true)
  await until('a strike', 10_000, () => player.ask((baton) => (baton.mine()?.cooldown_ms ?? 0) > 0).then(Boolean))
  await hands.strike(false)
}

/** Runs from zombies. */
async function run(player: Player, hands: Hands, done: () => boolean): Promise<void> {
  while (!done()) {
    const field = await player.ask((baton) => ({ place: baton.place(), zombies: baton.zombies() }))
    if (field?.place) await hands.walk(evade(field.place, field.zombies)[0] ?? null)
    await new Promise((next) => setTimeout(next, 150))
  }
  await hands.walk(null)
}

/** Walks after something until it is so. */
async function chase<T extends NonNullable<unknown>>(
  [player, hands]: [Player, Hands],
  what: string,
  whom: () => Promise<{ x: number; y: number } | undefined>,
  so: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const found = await until(what, 60_000, async () => {
    const [from, to] = [await player.ask((baton) => baton.place()), await whom()]
    // Who is there stands: beyond it one would look the other way.
    const near = from && to && Math.hypot(to.x - from.x, to.y - from.y) < TILE / 2
    if (from && to) await hands.walk(near ? null : angleTo(from, to))
    return so()
  })
  await hands.walk(null)
  return found
}

const role = (player: Player) => player.ask((baton) => baton.mine()?.role)

describe.each(['embedded', 'stateless'] as const)('%s', (mode) => {
  let server: Server
  beforeAll(async () => {
    const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: CONTAGION } }) }
    server = await startServer({ mode, variables })
  })
  afterAll(() => server?.stop())

  test('a_match_by_keyboard_and_by_touch_with_a_turned_player_and_a_spectator_into_the_next_one', {
    timeout: 240_000,
  }, async () => {
    const room = `match-${mode}`
    const ada = await Player.open(browser, server.url, room, EMBED)
    await ada.sees('the room', ({ status, me }) => status === 'live' && me !== null)
    const bob = await Player.open(browser, server.url, room, PHONE)
    await bob.sees('the room', ({ status, me }) => status === 'live' && me !== null)
    // All seats are taken now.
    const cleo = await Player.open(browser, server.url, room, EMBED)
    const all = [ada, bob, cleo]
    const [keys, thumbs] = [new Keys(ada.page), await Thumbs.of(bob.page)]
    for (const player of all) await player.sees('the match', ({ phase }) => phase === 'playing')
    expect(await cleo.ask((baton) => baton.mine())).toBeNull()
    expect(await cleo.ask((baton) => baton.figures().length)).toBe(2)

    await Promise.all([tryHands(ada, keys), tryHands(bob, thumbs)])
    // Ada lets the only zombie bite her, strikes it, and does nothing about her infection; Bob runs.
    let bittenOnce = false
    const running = run(bob, thumbs, () => bittenOnce)
    const zombie = async () => {
      const [first] = (await ada.ask((baton) => baton.zombies())) ?? []
      return first && { x: first[1], y: first[2] }
    }
    try {
      const infected = () => ada.ask((baton) => (baton.mine()?.infection_ms ?? 0) > 0).then(Boolean)
      await chase([ada, keys], 'an infected Ada', zombie, infected)
    } finally {
      bittenOnce = true
    }
    await running
    await ada.picture(`${mode}-infected`)
    await keys.strike(true)
    const gone = () => ada.ask((baton) => baton.zombies().length === 0 && (baton.mine()?.score ?? 0) >= 5).then(Boolean)
    await chase([ada, keys], 'a zombie that was struck', zombie, gone)
    await keys.strike(false)
    await until('a turned Ada', 30_000, async () => (await role(ada)) === 'turned')
    await ada.picture(`${mode}-turned`)

    // She goes for Bob, who stands now.
    await keys.strike(true)
    await chase(
      [ada, keys],
      'an infected Bob',
      async () => (await bob.ask((baton) => baton.place())) ?? undefined,
      () => bob.ask((baton) => (baton.mine()?.infection_ms ?? 0) > 0).then(Boolean),
    )
    await keys.strike(false)
    const me = (await ada.look())?.me
    const scores = await ada.ask((baton) => baton.hud()?.hud.scores)
    const hers = scores?.find(({ player }) => player === me)
    expect(hers).toMatchObject({ role: 'turned', infected: 1 })
    expect(hers?.score).toBeGreaterThanOrEqual(40)

    // Whoever watches sees the same of it.
    const seen = await until('a spectator who sees it', 10_000, () =>
      cleo
        .ask((baton) => baton.hud()?.hud)
        .then((hud) => (hud?.scores.some(({ infected }) => infected === 1) ? hud : null)),
    )
    expect(seen.turned).toBeGreaterThanOrEqual(1)
    expect(seen.feed.map(({ what }) => what)).toEqual(expect.arrayContaining(['turned', 'bitten']))
    expect(seen.feed.find(({ what, by }) => what === 'bitten' && by !== null)).toMatchObject({ by: me })
    await cleo.picture(`${mode}-spectator`)

    // To the end: Bob turns, or rescue comes for him.
    for (const player of all) await player.sees('the scoreboard', ({ phase }) => phase === 'over', 90_000)
    for (const [name, player] of Object.entries({ ada, bob, cleo })) await player.picture(`${mode}-over-${name}`)
    const last = await Promise.all(all.map((player) => player.ask((baton) => baton.hud()?.hud.last)))
    expect(last[0]).toMatchObject({ match_id: 1, players: 2 })
    expect(last).toEqual(last.map(() => last[0]))
    expect(await ada.page.locator('.scores').first().isVisible()).toBe(true)

    // And into the next one, where two of the three have a seat.
    for (const player of all)
      await player.sees('the next match', ({ phase, match_id }) => phase === 'playing' && match_id === 2, 60_000)
    const seats = await Promise.all(all.map((player) => player.ask((baton) => baton.mine())))
    expect(seats.filter((mine) => mine?.role === 'survivor')).toHaveLength(2)
    const histories = await Promise.all(all.map((player) => player.history()))
    for (const one of histories)
      for (const other of histories) {
        const { equal, differ } = compare(one, other)
        expect(differ).toEqual([])
        expect(equal).toBeGreaterThan(50)
      }
    for (const player of all) expect(player.faults).toEqual([])
    await Promise.all(all.map((player) => player.close()))
  })
})
