/**
 * The page when something is wrong, and the page in somebody's hands: no network, other rules,
 * several tabs, a bad link; keys and fingers.
 */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startServer } from './server'
import { Bot } from './support/bot'
import { EMBED, openBrowser, PHONE, Player, until } from './support/browser'

/** A match that begins soon, in the open, and that nobody loses. */
const PEACE = { countdown_ms: 1_000, play_ms: 600_000, city: false, zombies_at_start: 0, spawns_per_minute: 0 }
/** The same with more zombies, and more of them coming. */
const HORDE = { ...PEACE, zombies_at_start: 60, spawns_per_minute: 60 }
const ALONE = { spawns_per_minute_and_player: 0, spawn_growth_percent: 0 }

function rooms(contagion: object): Record<string, string> {
  return { BATON_ROOMS: JSON.stringify({ rooms: { contagion: { ...contagion, ...ALONE } } }) }
}

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())

describe('a page that plays', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ mode: 'embedded', variables: rooms(PEACE) })
  })
  afterAll(() => server?.stop())

  const playing = async (player: Player): Promise<void> => {
    await player.sees('the match', ({ phase, me }) => phase === 'playing' && me !== null)
  }
  const place = async (player: Player): Promise<{ x: number; y: number }> => {
    const at = await player.ask((baton) => baton.place())
    if (!at) throw new Error('there is no figure')
    return at
  }
  /** Waits until the figure is farther right and lower than `from` by at least so many units. */
  const moves = (player: Player, from: { x: number; y: number }, x: number, y: number): Promise<unknown> =>
    until(`walk by ${x}, ${y}`, 15_000, async () => {
      const at = await place(player)
      const far = (way: number, want: number) =>
        want === 0 ? Math.abs(way) < 200 : way * Math.sign(want) >= Math.abs(want)
      return far(at.x - from.x, x) && far(at.y - from.y, y)
    })
  const stands = async (player: Player): Promise<void> => {
    const stood = await until('a stop', 15_000, async () => {
      if (await player.ask((baton) => baton.pending())) return null
      const at = await place(player)
      const tick = await player.ask((baton) => baton.tick())
      await player.sees('two ticks', ({ ends, ms_left }) => ends - ms_left / 100 >= (tick ?? 0) + 2)
      return JSON.stringify(await place(player)) === JSON.stringify(at) ? at : null
    })
    // Whoever was never stopped stands at the edge in the end.
    for (const [at, side] of [
      [stood.x, 96],
      [stood.y, 64],
    ] as const) {
      expect(at / 256).toBeGreaterThan(2)
      expect(at / 256).toBeLessThan(side - 2)
    }
  }

  test('keys_steer_and_letting_go_stops', async () => {
    const ada = await Player.open(browser, server.url, 'keys')
    await playing(ada)
    for (const [keys, x, y] of [
      [['ArrowRight'], 400, 0],
      [['KeyA', 'KeyS'], -300, 300],
    ] as const) {
      const from = await place(ada)
      for (const key of keys) await ada.page.keyboard.down(key)
      await moves(ada, from, x, y)
      for (const key of keys) await ada.page.keyboard.up(key)
      await stands(ada)
    }
    expect(ada.faults).toEqual([])
    await ada.close()
  })

  test('a_finger_steers_and_lifting_it_stops', async () => {
    const bob = await Player.open(browser, server.url, 'touch', PHONE)
    await playing(bob)
    const finger = await bob.page.context().newCDPSession(bob.page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x: number, y: number) =>
      finger.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] })
    const from = await place(bob)
    await touch('touchStart', 90, 500)
    await touch('touchMove', 90, 450)
    await moves(bob, from, 0, -400)
    await bob.picture('touch')
    await touch('touchEnd', 0, 0)
    await stands(bob)
    expect(bob.faults).toEqual([])
    await bob.close()
  })

  test('j13_a_page_without_network_says_so_and_recovers', async () => {
    const ada = await Player.open(browser, server.url, 'network')
    await playing(ada)
    const { version, me } = await ada.sees('itself live', ({ status }) => status === 'live')
    await ada.page.context().setOffline(true)
    await ada.sees(
      'that it reconnects',
      ({ status, banner }) => status === 'reconnecting' && /reconnecting/i.test(banner),
    )
    await ada.picture('reconnecting')
    await ada.page.keyboard.down('ArrowRight')
    await ada.sees('that it is stalled', ({ status, banner }) => status === 'stalled' && /stalled/i.test(banner))
    await ada.picture('stalled')
    await ada.page.keyboard.up('ArrowRight')
    await ada.page.context().setOffline(false)
    const back = await ada.sees('itself live again', (seen) => seen.status === 'live' && seen.version > version + 1)
    expect([back.me, back.banner]).toEqual([me, ''])
    await ada.close()
  })

  test('b06_two_tabs_are_two_devices_of_one_player_and_a_reload_is_the_same_device', async () => {
    const one = await Player.open(browser, server.url, 'tabs')
    await playing(one)
    const two = await one.tab()
    await playing(two)
    const who = (tab: Player) => tab.ask((baton) => ({ user: baton.user, me: baton.hud()?.me, device: baton.device() }))
    const [first, second] = [await who(one), await who(two)]
    expect([first?.user, first?.me]).toEqual([second?.user, second?.me])
    expect(first?.device).not.toBe(second?.device)
    const { here } = await two.sees('one player', ({ status }) => status === 'live')
    expect(here.length).toBe(1)
    // The first device is free now; a reload does not take it.
    await one.page.close()
    await two.page.reload()
    await playing(two)
    expect(await who(two)).toEqual(second)
    expect([...one.faults, ...two.faults]).toEqual([])
    await two.close()
  })

  test('b06_nothing_is_sent_before_it_is_on_disk', async () => {
    const ada = await Player.open(browser, server.url, 'disk')
    await playing(ada)
    // Another tab holds the queues: a write has to wait until that one's transaction ends.
    const other = await ada.page.context().newPage()
    await other.goto(`${server.url}/api/health`)
    await other.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((opened, failed) => {
        const request = indexedDB.open('baton')
        request.onsuccess = () => opened(request.result)
        request.onerror = failed
      })
      const queues = database.transaction('queues', 'readwrite').objectStore('queues')
      let held = true
      Object.assign(window, { letGo: () => (held = false) })
      await new Promise<void>((first) => {
        const hold = () => {
          first()
          if (held) queues.count().onsuccess = hold
        }
        hold()
      })
    })
    const asked: string[] = []
    ada.page.on('request', (request) => asked.push(request.method()))
    await ada.page.keyboard.down('ArrowRight')
    await until('an action', 10_000, async () => ((await ada.ask((baton) => baton.pending())) ?? 0) > 0)
    asked.length = 0
    const tick = await ada.ask((baton) => baton.tick())
    await ada.sees('ten ticks', ({ ends, ms_left }) => ends - ms_left / 100 >= (tick ?? 0) + 10)
    expect(asked.filter((method) => method === 'POST')).toEqual([])
    expect(await ada.ask((baton) => baton.pending())).toBeGreaterThan(0)
    await other.evaluate(() => (window as unknown as { letGo(): void }).letGo())
    await until('an answer', 15_000, async () => (await ada.ask((baton) => baton.pending())) === 0)
    await ada.page.keyboard.up('ArrowRight')
    await ada.close()
  })

  test('p03_a_hidden_page_asks_rarely_and_a_closed_one_leaves_at_once', async () => {
    const ada = await Player.open(browser, server.url, 'hidden')
    await playing(ada)
    const bot = await Bot.join(server.url, 'hidden')
    const hide = (hidden: boolean) =>
      ada.page.evaluate((now) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => now })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    let asked = 0
    ada.page.on('request', (request) => {
      if (request.method() === 'POST') asked += 1
    })
    await ada.sees('itself live', ({ status }) => status === 'live')
    await hide(true)
    const before = await ada.look()
    asked = 0
    // The match goes on for a while without being asked for.
    for (let turn = 0; turn < 24; turn += 1) expect(await bot.steer(turn)).toBe(0)
    expect(asked).toBeLessThanOrEqual(1)
    const v = (await ada.look())?.version ?? 0
    expect(bot.replica.version()).toBeGreaterThan(v + 10)
    expect(v).toBeLessThanOrEqual((before?.version ?? 0) + 2)
    await hide(false)
    const head = bot.replica.version()
    await ada.sees('what it missed', ({ version, status }) => status === 'live' && version >= head)
    expect(bot.view().here.length).toBe(2)
    const left_ms = performance.now()
    await ada.page.goto('about:blank')
    await bot.until('ada gone', () => bot.view().here.length === 1)
    // By word, long before the grace time.
    expect(performance.now() - left_ms).toBeLessThan(10_000)
    await ada.close()
  })

  test('b29_a_page_whose_rules_trap_goes_on_without_predicting_and_then_predicts_again', async () => {
    const ada = await Player.open(browser, server.url, 'traps', EMBED, () => {
      // The page's wasm, with a trap where the rules run in a prediction, or wherever frames are taken in.
      const world = Object.assign(window, { breaks: '', predicted: 0, traps: 0 })
      const trap = () => {
        world.traps += 1
        throw new WebAssembly.RuntimeError('unreachable')
      }
      const construct = (Real: typeof WebAssembly.Instance, [module, imports]: [WebAssembly.Module, object]) => {
        const real = new Real(module, imports as WebAssembly.Imports).exports as Record<
          string,
          (...all: unknown[]) => unknown
        >
        let cautious = false
        const run = (name: string, ...all: unknown[]) => real[name]?.(...all)
        const exports = {
          ...real,
          replica_setCautious: (...all: unknown[]) => {
            cautious = Boolean(all[1])
            if (world.breaks && !cautious) trap()
            return run('replica_setCautious', ...all)
          },
          replica_predict: (...all: unknown[]) => {
            if (world.breaks && !cautious) trap()
            if (!cautious) world.predicted += 1
            return run('replica_predict', ...all)
          },
          replica_receive: (...all: unknown[]) => {
            if (world.breaks === 'log') trap()
            return run('replica_receive', ...all)
          },
        }
        return { exports }
      }
      Object.assign(WebAssembly, { Instance: new Proxy(WebAssembly.Instance, { construct }) })
    })
    type Breaking = { breaks: string; predicted: number; traps: number }
    const breaks = (how: string) =>
      ada.page.evaluate((now) => {
        const world = window as unknown as Breaking
        world.breaks = now
        return { ...world }.traps
      }, how)
    const predicted = () => ada.page.evaluate(() => (window as unknown as Breaking).predicted)
    const traps = () => ada.page.evaluate(() => (window as unknown as Breaking).traps)

    await playing(ada)
    await breaks('prediction')
    await until('a trap', 10_000, async () => (await traps()) > 0)
    await ada.sees('itself live', ({ status, me }) => status === 'live' && me !== null)
    const before = await predicted()
    // What is wanted meanwhile is done, and shown when it is in the log.
    const from = await place(ada)
    await ada.page.keyboard.down('ArrowRight')
    await moves(ada, from, 400, 0)
    await ada.page.keyboard.up('ArrowRight')
    await until('a second trap', 20_000, async () => (await traps()) > 1)
    await ada.sees('itself live', ({ status, me }) => status === 'live' && me !== null)
    expect(await predicted()).toBe(before)
    await breaks('')
    await until('a prediction', 20_000, async () => (await predicted()) > before)
    await ada.sees('itself live', ({ status, me }) => status === 'live' && me !== null)
    const [first = '', ...others] = ada.faults.filter((fault) => !fault.startsWith('baton: the rules trapped'))
    expect([first, others.length]).toEqual(['', 0])
    // What is in the log cannot be left out.
    await breaks('log')
    await ada.sees('that it must be loaded again', ({ status }) => status === 'reload')
    await ada.close()
  })

  test('a_bad_room_name_is_shown_as_such', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${server.url}/?room=${encodeURIComponent('<b>no room</b>')}`)
    await page.getByText('This link is not of a room.').waitFor()
    expect(asked.filter((url) => url.includes('/api/'))).toEqual([])
    await page.getByRole('link', { name: 'To the lobby' }).click()
    await page.getByRole('button', { name: 'Play', exact: true }).click()
    await page.locator('body[data-status="live"]').waitFor({ timeout: 30_000 })
    await context.close()
  })
})

describe('a page whose rules differ by one rule', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ mode: 'embedded', page: 'js-host/dist/page-altered', variables: rooms(HORDE) })
  })
  afterAll(() => server?.stop())

  test('p05_a_desync_is_reported', async () => {
    const honest = await Bot.join(server.url, 'desync')
    const ada = await Player.open(browser, server.url, 'desync')
    const seen = await ada.sees('the desync', ({ status }) => status === 'desync')
    expect(seen.banner).toMatch(/out of sync/i)
    await ada.picture('desync')
    expect(ada.faults.join()).toMatch(/baton: desync/)
    const saved = ada.page.waitForEvent('download')
    await ada.page.getByRole('button', { name: 'Save report' }).click()
    const chunks: Buffer[] = []
    for await (const chunk of await (await saved).createReadStream()) chunks.push(chunk as Buffer)
    const report = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    expect(report.expected).not.toEqual(report.computed)
    expect(report.v).toBeGreaterThan(0)
    // Who plays by the rules goes on.
    const { v } = report as { v: number }
    await honest.until('the version in question', () => honest.replica.version() > v)
    expect(honest.status()).toBe('live')
    await ada.close()
  })
})
