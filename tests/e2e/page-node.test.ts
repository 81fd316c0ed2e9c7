/**
 * The client's wasm in Node, many players against real hosts: how a match begins and ends, who joins late, and hosts that
 * forget everything. On Workers in both modes, on sixteen processes of Node, each asked in its turn, and on four of Devvit.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bot } from './support/bot'
import { compare } from './support/browser'
import { HOSTS, Host } from './support/hosts'

const TICK_MS = 100
/** The real countdown, and what it says in ticks. */
const COUNTDOWN_MS = 15_000
const COUNTDOWN = COUNTDOWN_MS / TICK_MS
const SHORT = { countdown_ms: 1_500, play_ms: 3_000, over_ms: 1_500 }
/** The same; who leaves in a countdown has time to, however slow this machine is. Who leaves a match leaves it as it is. */
const UNHURRIED = { ...SHORT, countdown_ms: 5_000 }
/** Begins soon, and nobody loses it. */
const LONG = {
  countdown_ms: 1_500,
  play_ms: 600_000,
  zombies_at_start: 0,
  spawns_per_minute: 0,
  spawns_per_minute_and_player: 0,
}

function settings(contagion: object, more: object = {}): Record<string, string> {
  return { BATON_ROOMS: JSON.stringify({ ...more, rooms: { contagion } }) }
}

/** No gap and no repeat, and the same hash wherever both have a version. */
function expectOneHistory(bots: Bot[]): void {
  for (const bot of bots) {
    const versions = [...bot.history().keys()]
    expect(versions).toEqual(versions.map((_, index) => (versions[0] ?? 0) + index))
    for (const other of bots) expect(compare(bot.history(), other.history()).differ).toEqual([])
  }
}

describe.each(HOSTS)('%s', (name) => {
  describe('the real countdown', () => {
    let host: Host
    beforeAll(async () => {
      host = await Host.open(name)
    })
    afterAll(() => host?.close())

    test('j01_sixteen_joins_at_once_make_one_countdown_of_15_s', async () => {
      const bots = await Promise.all(Array.from({ length: 16 }, () => Bot.of(host.url, 'j01', host.send)))
      const began_ms = performance.now()
      await Promise.all(bots.map((bot) => bot.until('a bot that has joined', () => bot.status() === 'live')))
      const seen = bots.map((bot) => ({ ...bot.view().hud, ends: bot.ends() }))
      expect(seen.map(({ phase, match_id }) => `${phase} ${match_id}`)).toEqual(seen.map(() => 'countdown 1'))
      // The room begins with its first join, in tick 0.
      const [ends = 0] = seen.map((hud) => hud.ends)
      expect(seen.map((hud) => hud.ends)).toEqual(seen.map(() => ends))
      expect(ends).toBeGreaterThanOrEqual(COUNTDOWN)
      expect(ends).toBeLessThanOrEqual(COUNTDOWN + 1)
      const [bot] = bots as [Bot]
      await bot.until('play', () => bot.view().hud.phase === 'playing')
      expect(performance.now() - began_ms).toBeGreaterThanOrEqual(COUNTDOWN_MS - TICK_MS)
      const { ms_left, match_id } = bot.view().hud
      expect(match_id).toBe(1)
      expect(bot.replica.tick() + ms_left / TICK_MS - 180_000 / TICK_MS).toBe(ends)
      expectOneHistory(bots)
    })
  })

  test('j03_who_joins_late_gets_the_state_then_every_frame_once', async () => {
    const host = await Host.open(name, settings(LONG, { frame_ms: 20, lease_ms: 100 }))
    try {
      const [ada, bob] = [await Bot.join(host.url, 'j03', host.send), await Bot.join(host.url, 'j03', host.send)]
      await Promise.all([ada, bob].map((bot) => bot.plays()))
      // More than a newcomer is sent as frames.
      while (ada.replica.version() < 80) await Promise.all([ada.steer(ada.replica.version() % 32), bob.steer(7)])
      const cleo = await Bot.join(host.url, 'j03', host.send)
      const from = cleo.replica.version()
      while (cleo.replica.version() < from + 20) await Promise.all([ada, bob, cleo].map((bot, at) => bot.steer(at)))
      // Who was answered first may be behind the others by a frame.
      await ada.until('what the newcomer has', () => ada.replica.version() >= cleo.replica.version())
      // The state at one version, then the frames after it.
      const [first = 0] = cleo.history().keys()
      expect(first).toBeGreaterThan(80)
      expect(cleo.view().hud.match_id).toBe(1)
      expect(cleo.view().here.length).toBe(3)
      expectOneHistory([ada, bob, cleo])
      expect(compare(cleo.history(), ada.history()).equal).toBeGreaterThanOrEqual(20)
    } finally {
      await host.close()
    }
  })

  test('j04_after_a_match_the_next_countdown_and_an_empty_room_waits', async () => {
    const host = await Host.open(name, settings(UNHURRIED))
    try {
      const ada = await Bot.join(host.url, 'j04', host.send)
      // What is predicted may step back where the store has no clock, by as much as hosts disagree: each counts once.
      const phases = new Set<string>()
      await ada.until('the second countdown', () => {
        const { phase, match_id } = ada.view().hud
        phases.add(`${phase} ${match_id}`)
        return match_id === 2
      })
      expect([...phases]).toEqual(['countdown 1', 'playing 1', 'over 1', 'countdown 2'])
      const view = async () => {
        const answer = await host.send(`${host.url}/api/rooms/contagion/j04/view`, {})
        return ((await answer.json()) as { game: unknown }).game
      }
      // Not only predicted: who leaves before that leaves the first match.
      await expect.poll(view, { timeout: 20_000 }).toMatchObject({ match: 2 })
      await ada.leave()
      await expect.poll(view, { timeout: 20_000 }).toMatchObject({ phase: 'idle', match: 2 })
      // Somebody watches for longer than a countdown: nothing begins.
      const began_ms = performance.now()
      while (performance.now() - began_ms < UNHURRIED.countdown_ms + 1_000)
        expect(await view()).toMatchObject({ phase: 'idle' })
      const bob = await Bot.join(host.url, 'j04', host.send)
      expect(bob.view().hud).toMatchObject({ phase: 'countdown', match_id: 3, zombies: 0, players: 1 })
      expectOneHistory([ada, bob])
    } finally {
      await host.close()
    }
  })

  test('j07_hosts_that_forget_everything_change_nothing', async () => {
    // Nothing is kept warm between two requests; then the whole host goes and comes back.
    const variables = settings(
      { ...SHORT, play_ms: 600_000, zombies_at_start: 0, spawns_per_minute: 0 },
      { cache_bytes: 0 },
    )
    const host = await Host.open(name, variables)
    const { url } = host
    try {
      const bots = [await Bot.join(host.url, 'j07', host.send), await Bot.join(host.url, 'j07', host.send)]
      await Promise.all(bots.map((bot) => bot.plays()))
      const walk = async () => {
        for (let turn = 0; turn < 8; turn += 1) {
          const answers = await Promise.all(bots.map((bot, at) => bot.steer((4 * turn + at) % 32)))
          expect(answers).toEqual([0, 0])
        }
      }
      await walk()
      const before = bots.map((bot) => bot.view().me)
      await host.restart()
      expect(host.url).not.toBe(url)
      for (const bot of bots) bot.url = host.url
      await walk()
      expect(bots.map((bot) => bot.view().me)).toEqual(before)
      expect(bots.flatMap((bot) => bot.notes.filter(({ note }) => note !== 'answer'))).toEqual([])
      const late = await Bot.join(host.url, 'j07', host.send)
      await Promise.all([...bots, late].map((bot) => bot.steer(0)))
      await Promise.all([...bots, late].map((bot) => bot.ask()))
      expectOneHistory([...bots, late])
      expect(bots[0]?.history().has(1)).toBe(true)
    } finally {
      await host.close()
    }
  })
})
