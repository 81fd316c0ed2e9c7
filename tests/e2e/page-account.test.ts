/**
 * A page without network: it begins, somebody plays alone, the tab is killed, and once there is a network the run is paid.
 * Two browsers of one user play the hundredth game at the same time, without network: the server gives the reward once.
 * What costs coins is bought with a click, and only with a network.
 */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BATON_TYPE, guest, type Session } from './device'
import { type Server, startServer } from './server'
import { openBrowser, Player, until } from './support/browser'
import { buildProgram, runProgram } from './support/cargo'
import { Keeper } from './support/keeper'

/** The operator's key. */
const KEY = 'operator'.padEnd(43, '0')
/** How long a run may take that nobody plays. */
const RUN_MS = 140_000

const PROGRAM = ['baton-cli', 'baton'] as const

let browser: Browser
let server: Server

beforeAll(async () => {
  process.env.BATON_ADMIN_KEY = KEY
  await buildProgram(...PROGRAM)
  browser = await openBrowser()
  const rooms = { frame_ms: 20, lease_ms: 40, poll_ms: 40 }
  const variables = { BATON_ROOMS: JSON.stringify(rooms), BATON_ADMIN_KEY: KEY }
  server = await startServer({ mode: 'embedded', variables })
}, 600_000)
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

/** What the server says of an account. */
async function account(session: Session) {
  const headers = { authorization: `Bearer ${session.token}` }
  const response = await fetch(`${server.url}/api/rooms/account/me/view`, { headers })
  expect(response.status).toBe(200)
  const { game } = (await response.json()) as { game: Game }
  return game
}

interface Game {
  coins: number
  scrap: number
  runs: { played: number; struck: number }
  goals: string[]
  items: string[]
  judged: { scrap?: number }[]
}

/** The browser has all that it needs to begin without network, and seeds in hand. */
async function prepared(player: Player): Promise<void> {
  const { page } = player
  await page.evaluate(() => navigator.serviceWorker.ready)
  await page.locator('#show-account').click()
  await page.getByText('6 more are paid without network').waitFor({ timeout: 30_000 })
  await page.keyboard.press('Escape')
}

/** Plays alone from the first screen until the run is over. What the dialog says of pay. */
async function plays(player: Player): Promise<string> {
  await player.page.locator('#alone').click()
  await player.page.locator('#paid').waitFor({ timeout: RUN_MS })
  return player.page.locator('#paid').innerText()
}

async function sessionOf({ page }: Player): Promise<Session> {
  return JSON.parse((await page.evaluate(() => localStorage.getItem('baton.session'))) ?? 'null') as Session
}

/** The tab is killed: nothing of it gets to say anything. */
async function kill({ page }: Player): Promise<void> {
  const crash = await page.context().newCDPSession(page)
  await Promise.race([crash.send('Page.crash').catch(() => undefined), page.waitForEvent('crash')])
  await page.close()
}

/** What the browser's disk has of the run that is under way; `put`: has from now on. */
function recordOf({ page }: Player, put?: number[]): Promise<number[]> {
  return page.evaluate(async (put) => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await done(indexedDB.open('baton'))
    const table = database.transaction('queues', 'readwrite').objectStore('queues')
    const key = (await done(table.getAllKeys())).find((key) => String(key).endsWith('/run:alone'))
    if (put && key) await done(table.put(new Uint8Array(put), key))
    const kept = key ? await done<Uint8Array>(table.get(key)) : []
    database.close()
    return [...kept]
  }, put)
}

/** Somebody was here once, and has no page and no network now. */
async function cutOff() {
  const first = await Player.visit(browser, server.url)
  await prepared(first)
  const session = await sessionOf(first)
  const context = first.page.context()
  await first.page.close()
  await context.setOffline(true)
  return { first, session, context }
}

test('b01_b06_a_run_without_network_outlives_its_tab_and_is_paid_later', { timeout: 300_000 }, async () => {
  const { first, session, context } = await cutOff()
  // The second visit begins without network.
  const second = await first.tab(`${server.url}/?room=x`)
  expect(await second.page.evaluate(() => fetch('api/health').catch(() => 'no network'))).toBe('no network')
  await second.picture('account-first-screen-offline')
  const words = await plays(second)
  expect(words).toContain('It is kept on this device')
  await second.picture('account-run-over')
  expect((await second.ask((baton) => baton.account()))?.pending).toBe(1)
  await kill(second)
  const third = await first.tab(`${server.url}/?room=x`)
  await third.page.locator('#show-account').click()
  await third.page.getByText('One action waits for the network.').waitFor()
  await third.picture('account-pending')
  expect((await account(session)).runs.played).toBe(0)
  await context.setOffline(false)
  await third.page.getByText(/^Paid: \d+ scrap for \d+ points\.$/).waitFor({ timeout: 60_000 })
  await third.picture('account-paid')
  const paid = await account(session)
  expect([paid.runs.played, paid.judged.length]).toEqual([1, 1])
  expect(paid.scrap).toBe(paid.judged[0]?.scrap)
  expect(await third.page.locator('#account-scrap').innerText()).toBe(String(paid.scrap))
  await context.close()
})

test('b01_x07_a_run_whose_tab_is_killed_in_the_middle_goes_on_in_the_next_and_is_paid_once', {
  timeout: 400_000,
}, async () => {
  const { first, session, context } = await cutOff()
  const begin = () => first.tab(`${server.url}/?room=x`)
  const button = ({ page }: Player) => page.locator('#alone')
  const place = (player: Player) => player.ask((baton) => ({ tick: baton.tick(), ...baton.place() }))
  const second = await begin()
  expect(await button(second).innerText()).toBe('Play alone')
  await button(second).click()
  await until('play', 30_000, () => second.ask((baton) => baton.hud()?.hud.phase === 'playing'))
  const begun = await place(second)
  const passed = async (ticks: number) => ((await place(second))?.tick ?? 0) >= (begun?.tick ?? 0) + ticks
  // A walk, so that the next tab has something to know: the first way that no wall is in; not a long one, since zombies come.
  const moved = async () => {
    const now = await place(second)
    return now?.x !== begun?.x || now?.y !== begun?.y
  }
  let ticks = 0
  for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown']) {
    if (await moved()) break
    ticks += 6
    await second.page.keyboard.down(key)
    await until(`a walk by ${key}`, 30_000, () => passed(ticks))
    await second.page.keyboard.up(key)
  }
  await until('that it was written', 30_000, () => passed(ticks + 25))
  expect(await moved(), 'away from where it began').toBe(true)
  const left = await place(second)
  expect(await second.ask((baton) => baton.hud()?.hud.phase)).toBe('playing')
  await kill(second)

  const third = await begin()
  expect(await button(third).innerText()).toBe('Continue alone')
  await button(third).click()
  await third.page.getByText('Your run goes on where it was.').waitFor()
  await third.picture('account-run-goes-on')
  const goneOn = await place(third)
  // A second is lost at most, and the moment that writing takes.
  expect(goneOn?.tick).toBeGreaterThanOrEqual((left?.tick ?? 0) - 15)
  expect(await third.ask((baton) => baton.hud()?.hud.phase)).toBe('playing')
  expect([goneOn?.x, goneOn?.y]).not.toEqual([begun?.x, begun?.y])
  expect([goneOn?.x, goneOn?.y]).toEqual([left?.x, left?.y])
  const record = await recordOf(third)
  expect(record.length).toBeGreaterThan(0)
  await third.page.locator('#paid').waitFor({ timeout: RUN_MS })
  expect(await third.page.locator('#paid').innerText()).toContain('It is kept on this device')
  await until('that it is forgotten', 10_000, async () => (await recordOf(third)).length === 0)
  await context.setOffline(false)
  await third.page.getByText(/^Paid: \d+ scrap for \d+ points\.$/).waitFor({ timeout: 60_000 })
  const paid = await account(session)
  expect([paid.runs.played, paid.judged.length, paid.scrap]).toEqual([1, 1, paid.judged[0]?.scrap])

  // Had the tab been killed between the two, the record would still be there.
  await recordOf(third, record)
  await kill(third)
  const fourth = await begin()
  await button(fourth).click()
  await fourth.page.getByText('Your run was handed in before').waitFor()
  expect(await fourth.ask((baton) => baton.tick())).toBeLessThan(30)
  expect((await fourth.ask((baton) => baton.account()))?.pending).toBe(0)
  expect(await account(session)).toMatchObject({ scrap: paid.scrap, runs: { played: 1 } })
  await context.close()
})

/** A page begins with what it has, and the account comes later. */
test('b01_a_run_that_waits_on_disk_outlives_one_that_began_before_the_account_was_open', {
  timeout: 200_000,
}, async () => {
  const first = await Player.open(browser, server.url, 'x')
  const seeds = (player: Player) => player.ask((baton) => baton.account()?.view?.seeds.length === 6)
  await until('seeds in hand', 60_000, () => seeds(first))
  const begin = () => first.tab(`${server.url}/?room=x`)
  const second = await begin()
  await second.page.locator('#alone').click()
  await until('play', 30_000, () => second.ask((baton) => baton.hud()?.hud.phase === 'playing'))
  await until('that it was written', 30_000, () => second.ask((baton) => baton.tick() > 25))
  const left = await second.ask((baton) => baton.tick())
  await kill(second)
  // By this clock the session is over, and the host is slow to renew it.
  await first.page.evaluate(() => {
    const kept = JSON.parse(localStorage.getItem('baton.session') ?? '')
    localStorage.setItem('baton.session', JSON.stringify({ ...kept, expires_ms: 1 }))
  })
  const renewed = Promise.withResolvers<void>()
  await first.page.context().route('**/api/session', async (route) => {
    await renewed.promise
    await route.continue()
  })
  const third = await begin()
  await third.page.locator('#alone').click()
  await third.page.getByText('Nobody pays for this run: the account is not open.').waitFor()
  renewed.resolve()
  await until('the account', 60_000, () => third.ask((baton) => baton.account()?.view !== undefined))
  await third.page.getByRole('button', { name: 'Settings' }).click()
  await third.page.locator('#to-account').click()
  await third.page.locator('#alone-again').click()
  await third.page.getByText('Your run goes on where it was.').waitFor()
  expect(await third.ask((baton) => baton.tick())).toBeGreaterThanOrEqual((left ?? 0) - 15)
  await first.page.context().close()
})

test('b25_the_hundredth_game_without_network_in_two_browsers_is_rewarded_once_by_the_server', {
  timeout: 600_000,
}, async () => {
  const session = await guest(server.url)
  const keeper = new Keeper(server.url, session)
  // Most of the games are of the time before, since each takes as long as it lasts.
  await keeper.until('the account', ({ seeds }) => seeds.length === 6)
  const room = `account/${session.user}`
  const played = JSON.stringify({ import: { runs: { played: 96 } } })
  const sent = await runProgram(...PROGRAM, 'send', '--host', server.url, '--room', room, played)
  expect(sent.status, sent.said).toBe(0)
  await keeper.plays(3)
  const before = await account(session)
  expect([before.runs.played, before.goals.includes('hundred_games')]).toEqual([99, false])
  const browsers = await Promise.all([0, 1].map(() => Player.visit(browser, server.url, session)))
  for (const each of browsers) await prepared(each)
  for (const each of browsers) await each.page.context().setOffline(true)
  await Promise.all(browsers.map(plays))
  const offline = await Promise.all(browsers.map((each) => each.ask((baton) => baton.account())))
  for (const told of offline) {
    // A browser knows what it has done, and not what that is worth.
    expect([told?.pending, told?.view?.waiting.length]).toEqual([1, 1])
    expect([told?.view?.coins, told?.view?.goals.includes('hundred_games')]).toEqual([before.coins, false])
  }
  expect(new Set(offline.map((told) => told?.view?.waiting[0])).size).toBe(2)
  for (const each of browsers) await each.page.context().setOffline(false)
  const level = await until('two browsers and a server that are level', 60_000, async () => {
    const told = await Promise.all(browsers.map((each) => each.ask((baton) => baton.account())))
    const quiet = told.every((each) => each?.pending === 0 && each.view?.waiting.length === 0)
    return quiet && told[0]?.hash === told[1]?.hash && told[0]?.view?.games === 101 ? told : false
  })
  const after = await account(session)
  const struck = before.runs.struck < 100 && after.runs.struck >= 100 ? 300 : 0
  expect(after.runs.played).toBe(101)
  expect(after.goals.filter((goal) => goal === 'hundred_games')).toHaveLength(1)
  expect(after.coins).toBe(before.coins + 1_000 + struck)
  for (const told of level) expect([told?.view?.coins, told?.refused]).toEqual([after.coins, []])
  for (const each of browsers) await each.page.context().close()
})

test('b05_b26_a_click_buys_with_coins_once_and_only_with_a_network', { timeout: 120_000 }, async () => {
  const player = await Player.visit(browser, server.url)
  const { page } = player
  const context = page.context()
  await prepared(player)
  const session = await sessionOf(player)
  await page.locator('#show-account').click()
  const nurse = page.getByRole('button', { name: 'Buy for 500 coins' })
  await nurse.waitFor()
  expect(await nurse.isDisabled(), 'without coins').toBe(true)
  // 600 coins, of the operator.
  const given = await fetch(`${server.url}/api/admin/rooms/account/${session.user}/send/${'1'.padStart(16, '0')}`, {
    method: 'POST',
    body: new Uint8Array([9, 176, 9, 0]),
    headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${KEY}` },
  })
  expect(given.status).toBe(200)
  await until('600 coins', 60_000, async () => (await page.locator('#account-coins').innerText()) === '600')
  await context.setOffline(true)
  // Sooner than the page asks the next time.
  await until('that it cannot be bought', 10_000, () => nurse.isDisabled())
  await player.picture('account-offline-coins')
  await context.setOffline(false)
  await until('that it can', 60_000, () => nurse.isEnabled())
  await player.picture('account-buys-with-coins')
  await nurse.click()
  await until('that it is there', 30_000, async () => (await page.locator('#account-coins').innerText()) === '100')
  expect(await nurse.count()).toBe(0)
  expect(await page.locator('#purchase-note').count()).toBe(0)
  expect(await account(session)).toMatchObject({ coins: 100, items: ['nurse'] })
  await page.getByRole('listitem').filter({ hasText: 'Nurse' }).getByRole('button', { name: 'Wear' }).click()
  await page.getByRole('listitem').filter({ hasText: 'Nurse' }).getByRole('button', { name: 'Worn' }).waitFor()
  await context.close()
})
