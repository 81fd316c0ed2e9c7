/** One process of the app, shared by many subreddits: what is warm of one is never seen by another. */

import { redis } from '@devvit/redis'
import { context } from '@devvit/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DevvitOptions, openDevvit } from '../../js-host/src/hosts/devvit'
import { Bot, QUIET } from '../e2e/support/bot'
import { RedisServer } from '../stores/support/redis-server'
import { asInstallation, localDevvit, newFace } from './support/keys'
import { POST, ROOM } from './support/players'

let server: RedisServer
let devvit: Awaited<ReturnType<typeof localDevvit>>
/** Messages by installation. */
const sent: string[] = []

beforeAll(async () => {
  server = await RedisServer.start()
  devvit = await localDevvit(`redis://127.0.0.1:${server.port}`)
})
afterAll(async () => {
  devvit?.close()
  await server?.stop()
})

const here = () => context.metadata['devvit-installation']?.values[0] ?? ''
const platform: DevvitOptions['platform'] = {
  redis,
  send: async () => void sent.push(here()),
  createPost: async () => ({ id: POST, address: '' }),
  origin: () => ({ installation: here(), post: POST, who: { user: 't2_alice', name: 'alice' } }),
}

/** Asks the app of a process on behalf of an installation. */
function from(app: ReturnType<typeof openDevvit>, installation: string): Bot['send'] {
  return (url, init) => asInstallation(installation, async () => app.fetch(new Request(url, init)))
}

const APP = 'http://app'
const SOON = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: { ...QUIET, countdown_ms: 300 } } }) }
const view = async (send: Bot['send']) => (await send(`${APP}/api/rooms/${ROOM}/view`, {})).status

test('p10_what_is_warm_of_one_installation_is_not_seen_by_another', async () => {
  const app = openDevvit({ platform, makeFace: newFace(), environment: SOON })
  const [one, other] = [from(app, 'one'), from(app, 'other')]
  const ada = await Bot.join(APP, POST, one)
  expect(await view(one)).toBe(200)
  expect(await view(other)).toBe(404)
  const bob = await Bot.join(APP, POST, other)
  // At the same time, so that their calls are under way beside each other.
  await Promise.all(
    [ada, bob].map(async (bot) => {
      await bot.plays()
      for (let turn = 0; turn < 5; turn += 1) await bot.steer(turn)
    }),
  )
  expect([ada, bob].map((bot) => bot.view().here.length)).toEqual([1, 1])
  expect([...ada.history().values()].filter((hash) => [...bob.history().values()].includes(hash))).toEqual([])
  expect(new Set(sent)).toEqual(new Set(['one', 'other']))
})

test('p10_a_process_forgets_what_was_longest_not_asked_for_and_loses_nothing', async () => {
  const app = openDevvit({ platform, makeFace: newFace(), environment: SOON })
  const ada = await Bot.join(APP, POST, from(app, 'first'))
  const counted = async () => {
    const answer = await from(app, 'first')(`${APP}/api/health`, {})
    return ((await answer.json()) as { led: number }).led
  }
  expect(await counted()).toBeGreaterThan(0)
  for (let number = 0; number < 16; number += 1) await view(from(app, `more${number}`))
  expect(await counted()).toBe(0)
  await ada.plays()
  const before = ada.replica.version()
  expect(await ada.steer(7)).toBe(0)
  expect(ada.replica.version()).toBeGreaterThan(before)
})
