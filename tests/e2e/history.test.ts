/**
 * Many players at once on a real `wrangler dev`, with lost replies, requests that come twice, hosts that remember nothing
 * and one that is ended in between: what they were told is recorded, and judged by `check-history`. In both modes.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { startServer } from './server'
import { Bot, QUIET } from './support/bot'
import { History } from './support/history'
import { buildJudge, disturbed, forge, judge, keep } from './support/judge'

const PLAYERS = 6
const TURNS = 10
/** As long as a host may take to come back. */
const RETURN_MS = 150_000

beforeAll(buildJudge, 600_000)

describe.each(['embedded', 'stateless'] as const)('%s', (mode) => {
  test('b12_what_clients_were_told_is_one_history', { timeout: 2 * RETURN_MS }, async () => {
    const variables = { BATON_ROOMS: JSON.stringify({ cache_bytes: 0, rooms: { contagion: QUIET } }) }
    const storage = mkdtempSync(join(tmpdir(), 'baton-history-'))
    const history = new History()
    let server = await startServer({ mode, variables, storage })
    let file = ''
    try {
      const bots = await Promise.all(Array.from({ length: PLAYERS }, () => Bot.of(server.url, 'history')))
      for (const [index, bot] of bots.entries()) bot.send = disturbed(history, `player ${index}`)
      await Promise.all(bots.map((bot) => bot.until('a player who has joined', () => bot.status() === 'live')))
      await Promise.all(bots.map((bot) => bot.until('play', () => bot.view().hud.phase === 'playing')))
      const walk = async (bot: Bot, from: number) => {
        for (let turn = 0; turn < TURNS; turn += 1) await bot.steer((from + turn) % 32, RETURN_MS)
      }
      await Promise.all(bots.map(walk))
      // The host goes while everybody asks, and comes back.
      const walking = Promise.all(bots.map(walk))
      await server.stop()
      server = await startServer({ mode, variables, storage })
      for (const bot of bots) bot.url = server.url
      await walking
      await history.log(server.url, 'contagion/history')
    } finally {
      file = keep(mode, history.text())
      await server.stop()
      rmSync(storage, { recursive: true, force: true })
    }
    const { status, said } = await judge(file)
    expect(status, said).toBe(0)
    const sent = PLAYERS * 2 * TURNS
    expect(said).toMatch(new RegExp(` [1-9]\\d* answered, .* ${sent} actions, 0 losses, 0 resets`))
    // The control: with an action lost that was acknowledged, the same history is refused.
    const forged = await judge(keep(`${mode}-forged`, forge(history.text())))
    expect(forged, forged.said).toMatchObject({ status: 1, said: expect.stringContaining('acknowledged') })
  })
})
