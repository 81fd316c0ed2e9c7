/** A page that only watches: it shows the match, verified frame by frame, and says nothing to the host. */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Failover } from '../stores/support/failover'
import { Bot, QUIET } from './support/bot'
import { openBrowser, Player, until } from './support/browser'
import { Crew } from './support/crew'
import { Nginx } from './support/nginx'
import { NodeProcess } from './support/node-host'

let browser: Browser
let redis: Failover
let host: NodeProcess
let nginx: Nginx

beforeAll(async () => {
  browser = await openBrowser()
  redis = await Failover.start()
  host = await NodeProcess.start(redis.url, { BATON_ROOMS: JSON.stringify({ rooms: { contagion: QUIET } }) })
  nginx = await Nginx.start(host.url)
})
afterAll(async () => {
  await browser?.close()
  await nginx?.stop()
  await host?.end('SIGKILL')
  await redis?.stop()
})

test('x8_a_page_that_watches_shows_the_match_by_what_caches_hold_and_follows_the_store_back', async () => {
  const crew = await Crew.playing(2, host.url, 'watched', () => fetch)
  const asked: string[] = []
  const watcher = await Player.watch(browser, nginx.url, 'watched', (method, path) => asked.push(`${method} ${path}`))
  const version = () => Math.max(...crew.bots.map((bot) => bot.replica.version()))
  const follows = (least: number) =>
    watcher.sees(`version ${least}`, (seen) => seen.status === 'live' && seen.version >= least, 60_000)
  const before = await crew.walking(async () => {
    const seen = await watcher.sees('the match', ({ phase, here }) => phase === 'playing' && here.length === 2)
    expect([seen.status, seen.me]).toEqual(['live', null])
    // Over the end of a block, frame by frame.
    await follows(seen.version + 70)
    const replayed = new Map(await watcher.ask((baton) => baton.history()))
    for (let v = seen.version; v <= seen.version + 70; v += 1) expect(replayed.has(v)).toBe(true)
    expect(await watcher.page.locator('.spectator').innerText()).toContain('You are watching')
    redis.sever()
    const lost = version() + 10
    await follows(lost)
    await redis.fail()
    return lost
  }, false)
  await crew.walking(() => until('turns after it', 60_000, async () => version() > before + 5))
  // The newest that players have.
  await until('the same frames', 60_000, async () => {
    await crew.all((bot) => bot.ask())
    const hash = await watcher.ask((baton) => baton.hash())
    return crew.bots.some((bot) => bot.replica.hash() === hash)
  })
  const said = asked.filter((line) => !line.startsWith('GET '))
  expect(said).toEqual([])
  expect(asked.filter((line) => line.includes('/frames/')).length).toBeGreaterThan(0)
  expect(asked.some((line) => line.includes('/api/session'))).toBe(false)
  expect(watcher.faults).toEqual([])
})

test('who_watches_a_countdown_is_told_no_keys', async () => {
  const watcher = await Player.watch(browser, nginx.url, 'counted', () => {})
  await Bot.join(host.url, 'counted')
  await watcher.sees('the countdown', ({ phase }) => phase === 'countdown')
  const moment = watcher.page.locator('.moment')
  expect(await moment.innerText()).toContain('about to begin')
  expect(await moment.locator('kbd').count()).toBe(0)
  expect(watcher.faults).toEqual([])
})

test('who_plays_alone_after_watching_looks_at_the_room_no_more', async () => {
  await Bot.join(host.url, 'left')
  const asked: string[] = []
  const watcher = await Player.watch(browser, nginx.url, 'left', (method, path) => asked.push(`${method} ${path}`))
  const { page } = watcher
  await watcher.sees('the room', ({ status }) => status === 'live')
  expect(asked.some((line) => line.endsWith('/tail'))).toBe(true)
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.locator('#to-account').click()
  await page.locator('#alone-again').click()
  await until('play', 30_000, () => watcher.ask((baton) => baton.hud()?.hud.phase === 'playing'))
  const before = asked.length
  await until('five seconds', 30_000, () => watcher.ask((baton) => baton.tick() > 50))
  expect(asked.slice(before).filter((line) => line.includes('/rooms/contagion/'))).toEqual([])
  expect(watcher.faults).toEqual([])
})
