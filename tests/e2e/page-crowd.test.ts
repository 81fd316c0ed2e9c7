/**
 * A match of twenty bots as a person sees it, in the real town: a sequence of pictures in
 * tests/output/crowd, and that the page keeps up. Must not know how bots think.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer } from './server'
import { EMBED, openBrowser, PHONE, Player, until } from './support/browser'

const JS_HOST = resolve(import.meta.dirname, '../../js-host')
const ROOM = 'crowd'
const BOTS = 20
const CONTAGION = { countdown_ms: 12_000, play_ms: 60_000, over_ms: 8_000, zombies_at_start: 120 }
/** Pictures of the match, and the time between two, in milliseconds. */
const [PICTURES, APART_MS] = [16, 1_000]

let server: Server
let browser: Browser
let company: ChildProcess

beforeAll(async () => {
  server = await startServer({
    mode: 'embedded',
    variables: { BATON_ROOMS: JSON.stringify({ rooms: { contagion: CONTAGION } }) },
  })
  browser = await openBrowser()
  const bots = ['--disable-warning=ExperimentalWarning', 'bots/company.ts', server.url, ROOM, String(BOTS)]
  company = spawn(process.execPath, bots, { cwd: JS_HOST, stdio: ['ignore', 'inherit', 'inherit'] })
})
afterAll(async () => {
  company?.kill('SIGTERM')
  await browser?.close()
  await server?.stop()
})

test('a_page_keeps_up_with_a_match_of_twenty_bots', { timeout: 240_000 }, async () => {
  const ada = await Player.open(browser, server.url, ROOM, EMBED)
  const there = await ada.sees(
    'a person among bots',
    ({ phase, here, me }) => phase === 'playing' && me !== null && here.length > BOTS,
    120_000,
  )
  // She stands for a while, runs, and sees it all end.
  let done = false
  const walking = ada.survive(() => done)
  try {
    const drawn = (await ada.ask((baton) => baton.drawn())) ?? 0
    for (let at = 0; at < PICTURES; at += 1) {
      await ada.picture(`crowd/${String(at).padStart(2, '0')}`)
      const seen = await ada.look()
      expect(seen?.status).toBe('live')
      await new Promise((next) => setTimeout(next, APART_MS))
    }
    expect((await ada.ask((baton) => baton.drawn())) ?? 0).toBeGreaterThan(drawn + PICTURES)
    const bob = await Player.open(browser, server.url, ROOM, PHONE)
    await bob.sees('the match', ({ me, status }) => me !== null && status === 'live')
    await bob.picture('crowd/phone')
    await bob.close()
    await ada.sees('the end', ({ phase }) => phase === 'over', 120_000)
    await ada.picture('crowd/over')
  } finally {
    done = true
    await walking
  }
  const scores = await ada.ask((baton) => baton.hud()?.hud.scores)
  // Who joined late is on the scoreboard too, and so is everybody who has left.
  expect(scores?.length).toBeGreaterThanOrEqual(BOTS)
  expect(scores?.some(({ struck }) => struck > 0)).toBe(true)
  await until('the next countdown', 60_000, async () => (await ada.look())?.match_id === (there.match_id ?? 0) + 1)
  expect(ada.faults).toEqual([])
})
