/** The bots that keep a lone developer company: they come, play, and leave when they are told to. */

import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startServer } from './server'
import { until } from './support/browser'

const JS_HOST = resolve(import.meta.dirname, '../../js-host')
const BOTS = 3
const ROOM = 'company'
/** Long enough for somebody to walk; nobody is kept waiting. */
const QUICK = { countdown_ms: 1_000, play_ms: 120_000 }

/** The room for people, without joining it. */
interface Sight {
  game: { phase: string; ms_left: number; players: { player: number; score: number; tile: [number, number] }[] }
}

let server: Server

beforeAll(async () => {
  const settings = { rooms: { contagion: QUICK } }
  server = await startServer({ mode: 'embedded', variables: { BATON_ROOMS: JSON.stringify(settings) } })
})
afterAll(() => server?.stop())

async function look(): Promise<Sight['game'] | null> {
  const answer = await fetch(`${server.url}/api/rooms/contagion/${ROOM}/view`).catch(() => null)
  return answer?.ok ? ((await answer.json()) as Sight).game : null
}

function invite(count: string) {
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'bots/company.ts', server.url, ROOM, count],
    {
      cwd: JS_HOST,
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  )
}

test('bots come, move about and strike, and leave when they are told to', async () => {
  const company = invite(String(BOTS))
  const ended = new Promise<number | null>((done) => company.once('exit', done))
  try {
    const before = await until('match with all bots', 60_000, async () => {
      const game = await look()
      return game?.phase === 'playing' && game.players.length === BOTS && game
    })
    const tiles = new Map(before.players.map(({ player, tile }) => [player, tile.join()]))
    await until('bot that has walked', 30_000, async () => {
      const game = await look()
      return game?.players.some(({ player, tile }) => tiles.get(player) !== tile.join()) ?? false
    })
    await until('bot that has struck something', 60_000, async () => {
      const game = await look()
      // A second survived is a point; more is earned by strikes, cures and bites.
      const played_s = (QUICK.play_ms - (game?.ms_left ?? QUICK.play_ms)) / 1_000
      return game?.players.some(({ score }) => score >= played_s + 5) ?? false
    })
  } finally {
    company.kill('SIGTERM')
  }
  expect(await ended).toBe(0)
  const gone = await until('room without bots', 5_000, async () => {
    const game = await look()
    return game?.players.length === 0 && game
  })
  expect(gone.players).toEqual([])
})

test('nonsense is refused at once', async () => {
  for (const count of ['0', '49', 'many']) {
    const company = invite(count)
    expect(await new Promise((done) => company.once('exit', done))).toBe(2)
  }
})
