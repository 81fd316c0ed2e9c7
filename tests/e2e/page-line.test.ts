/**
 * From browsers to the log and back: two pages in one room, a third in the middle of the match, a
 * reload; all see the same. Once with a shortened match, once with a match at its full length.
 */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startServer } from './server'
import { compare, openBrowser, PHONE, Player, until } from './support/browser'

/** Versions that two pages must agree on while there are this many zombies, of which so many walk. */
const [VERSIONS, ZOMBIES, WALKING] = [100, 30, 12]
const FULL_MS = 180_000

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

/** No gap and no repeat. */
function expectDense(history: Map<number, string>): void {
  const versions = [...history.keys()]
  const [first = 0] = versions
  expect(versions).toEqual(versions.map((_, index) => first + index))
}

async function first(url: string, room: string, pictures: string): Promise<[Player, Player]> {
  const ada = await Player.open(browser, url, room)
  const begun = await ada.sees('a countdown', ({ phase, me }) => phase === 'countdown' && me !== null)
  const bob = await Player.open(browser, url, room, PHONE)
  const joined = await bob.sees('the same countdown', ({ phase, here }) => phase === 'countdown' && here.length === 2)
  expect([joined.match_id, joined.ends]).toEqual([begun.match_id, begun.ends])
  await ada.picture(`${pictures}-countdown`)
  await bob.picture(`${pictures}-countdown-phone`)
  for (const page of [ada, bob])
    await page.sees('the match', ({ phase, match_id }) => phase === 'playing' && match_id === 1)
  return [ada, bob]
}

/** Joins in the middle; what was played so far is not played again. */
async function third(url: string, room: string, ada: Player): Promise<Player> {
  await ada.sees('a match on its way', ({ version }) => version > 30)
  const cleo = await Player.open(browser, url, room)
  await cleo.sees(
    'the match',
    ({ phase, match_id, here }) => phase === 'playing' && match_id === 1 && here.length === 3,
  )
  const later = await cleo.look()
  await cleo.sees('time go on', ({ version }) => version > (later?.version ?? 0) + 5)
  expectDense(await cleo.history())
  return cleo
}

async function reload(bob: Player): Promise<void> {
  const who = () => bob.ask((baton) => ({ user: baton.user, device: baton.device(), me: baton.hud()?.me }))
  const before = await who()
  await bob.page.reload()
  await bob.sees('itself again', ({ status, me }) => status === 'live' && me !== null)
  expect(await who()).toEqual(before)
}

/** Until two pages have agreed on enough versions while enough zombies moved. */
async function agree(ada: Player, bob: Player): Promise<void> {
  const { version } = await ada.sees(`${ZOMBIES} zombies`, ({ zombies }) => zombies >= ZOMBIES, 90_000)
  const from = new Map((await ada.ask((baton) => baton.zombies()))?.map(([id, x, y]) => [id, [x, y]]))
  const late = (history: Map<number, string>) => new Map([...history].filter(([v]) => v > version))
  await until(`${VERSIONS} equal versions`, 90_000, async () => {
    const { equal, differ } = compare(late(await ada.history()), late(await bob.history()))
    expect(differ).toEqual([])
    return equal >= VERSIONS
  })
  const now = (await ada.ask((baton) => baton.zombies())) ?? []
  const moved = now.filter(([id, x, y]) => from.has(id) && `${from.get(id)}` !== `${[x, y]}`)
  // Some are struck meanwhile.
  expect(moved.length).toBeGreaterThanOrEqual(WALKING)
}

/** The whole line. Goes on for as long as `rest` wants, while all three stay out of the zombies' way. */
async function play({ url }: Server, mode: string, rest: (ada: Player) => Promise<void>): Promise<void> {
  const room = `line-${mode}`
  const [ada, bob] = await first(url, room, mode)
  let done = false
  const open = [ada, bob]
  const walking = open.map((player) => player.survive(() => done))
  try {
    const cleo = await third(url, room, ada)
    open.push(cleo)
    walking.push(cleo.survive(() => done))
    expect(compare(await cleo.history(), await ada.history())).toMatchObject({ differ: [] })
    await reload(bob)
    expect((await ada.look())?.here.length).toBe(3)
    await agree(ada, bob)
    for (const [name, player] of Object.entries({ ada, bob, cleo })) {
      expect(await player.colours(), `${name}'s canvas`).toBeGreaterThan(5)
      await player.picture(`${mode}-match-${name}`)
    }
    await rest(ada)
    done = true
    await Promise.all(walking)
    for (const player of [ada, bob, cleo]) {
      expectDense(await player.history())
      expect(player.faults).toEqual([])
    }
  } finally {
    done = true
    await Promise.allSettled(walking)
    // Pages that stay open are drawn on, and those of the next test answer its keyboards too late.
    await Promise.all(open.map((player) => player.close()))
  }
}

describe('stateless, a shortened match', () => {
  let server: Server
  beforeAll(async () => {
    const contagion = {
      countdown_ms: 8_000,
      play_ms: 60_000,
      over_ms: 3_000,
      city: false,
      zombies_at_start: 60,
      spawns_per_minute: 5,
    }
    const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion } }) }
    server = await startServer({ mode: 'stateless', variables })
  })
  afterAll(() => server?.stop())

  test('j03_two_pages_a_third_and_a_reload_see_one_match', async () => {
    await play(server, 'stateless', async () => {})
  })
})

describe('embedded, a match of the real length', () => {
  let server: Server
  beforeAll(async () => {
    // Fewer zombies than the real game adds, so that three keyboards outlive them every time.
    const contagion = {
      city: false,
      zombies_at_start: 24,
      spawns_per_minute: 12,
      spawns_per_minute_and_player: 1,
      spawn_growth_percent: 0,
      items_at_start: 40,
      items_per_minute: 20,
    }
    server = await startServer({
      mode: 'embedded',
      variables: { BATON_ROOMS: JSON.stringify({ rooms: { contagion } }) },
    })
  })
  afterAll(() => server?.stop())

  test('j01_j04_a_match_of_full_length_to_the_scoreboard_and_the_next_countdown', { timeout: 330_000 }, async () => {
    await play(server, 'embedded', async (ada) => {
      await ada.sees('the scoreboard', ({ phase }) => phase === 'over', FULL_MS + 30_000)
      await ada.picture('embedded-scoreboard')
      const last = await ada.ask((baton) => baton.hud()?.hud.last)
      expect(last).toMatchObject({ match_id: 1, players: 3, winner: 'survivors', played_ms: FULL_MS })
      const next = await ada.sees('the next countdown', ({ phase }) => phase === 'countdown')
      expect([next.match_id, next.zombies]).toEqual([2, 0])
    })
  })
})
