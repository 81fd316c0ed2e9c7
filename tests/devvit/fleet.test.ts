/**
 * Four processes of the app for Devvit that play one game, and what of the rules of a fleet only many can show. What is
 * said is read in the log itself, and in what an engine that is alone with it makes of it; no verdict hangs on how fast
 * this machine is.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { atMost, plain } from '../../js-host/bench/figure'
import { BATON_TYPE, codeOf, Device, guest } from '../e2e/device'
import { Bot, HORDE, QUIET } from '../e2e/support/bot'
import { until } from '../e2e/support/browser'
import { Crew } from '../e2e/support/crew'
import { mostZombies, replayed } from '../e2e/support/replayed'
import { against, type Logged, ratesOf } from '../e2e/support/room-log'
import { encode, type Hail, PRESENCE, request } from '../e2e/wire'
import { App, BAD_CALLS, PROCESSES, TROUBLE } from './support/app'
import { asUser, POST, ROOM } from './support/players'

const PATIENCE_MS = 100_000
const TICK_MS = 100
const PACE = { frame_ms: 100, lease_ms: 200 }

const apps: App[] = []
const stop = async () => {
  for (const app of apps.splice(0)) await app.stop()
}
afterEach(stop)

async function start(...how: Parameters<typeof App.start>): Promise<App> {
  const app = await App.start(...how)
  apps.push(app)
  return app
}

const entriesOf = (frames: Logged[]) => frames.flatMap(({ entries }) => entries)

test('j02_later_joins_leave_the_countdown_alone_and_it_ends_when_all_have_left_on_devvit', {
  timeout: 240_000,
}, async () => {
  // Long, so that nobody has to be quick.
  const countdown_ms = 120_000
  const app = await start({ ...PACE, rooms: { contagion: { ...QUIET, countdown_ms } } })
  app.devvit.faults(TROUBLE)
  const live = (bot: Bot) => bot.until('a player who has joined', () => bot.status() === 'live', PATIENCE_MS)
  const view = async () => {
    const answer = await asUser(app.devvit, undefined)(`${app.url}/api/rooms/${ROOM}/view`, {}).catch(() => null)
    return ((await answer?.json().catch(() => null)) as { game?: { phase: string } } | null)?.game?.phase
  }
  const first = await Crew.of(4, app.url, POST, app.send)
  await first.all(live)
  const later = await Crew.of(3, app.url, POST, (index) => app.send(4 + index))
  await later.all(live)
  await Promise.all([first, later].map((crew) => crew.all((bot) => bot.leave())))
  await until('nobody there', PATIENCE_MS, async () => (await view()) === 'idle')
  const next = await Bot.of(app.url, POST, app.send(7))
  await live(next)
  await app.calm()
  const frames = await app.log()
  expect(against(frames, null)).toEqual([])
  const { huds, broken } = replayed(frames)
  expect(broken).toBe(false)
  // From the first join, in tick 0, to the last leave: one countdown, which ends when it always would.
  const shown = frames.flatMap(({ tick }, at) => {
    const hud = huds[at]
    return hud ? [{ tick, phase: hud.phase, match: hud.match_id, ends: tick + hud.ms_left / TICK_MS }] : []
  })
  const phases = shown.map(({ phase, match }) => `${phase} ${match}`)
  expect(phases.filter((phase, at) => phase !== phases[at - 1])).toEqual(['countdown 1', 'idle 1', 'countdown 2'])
  const joins = frames.flatMap((frame) => entriesOf([frame]).flatMap(({ tag }) => (tag === 'join' ? [frame.tick] : [])))
  expect(joins.length).toBeGreaterThanOrEqual(8)
  expect(new Set(joins.slice(0, -1)).size).toBeGreaterThan(1)
  for (const match of [1, 2]) {
    const began = shown.findIndex((hud) => hud.phase === 'countdown' && hud.match === match)
    const counted = shown.filter((hud) => hud.phase === 'countdown' && hud.match === match)
    const [ends = 0, ...others] = new Set(counted.map((hud) => hud.ends))
    expect(others).toEqual([])
    // It began in the frame that first shows it, of its full length.
    expect(ends).toBeGreaterThanOrEqual((shown[began - 1]?.tick ?? 0) + countdown_ms / TICK_MS)
    expect(ends).toBeLessThanOrEqual((shown[began]?.tick ?? 0) + countdown_ms / TICK_MS + 1)
  }
})

/** Sends what no honest page sends, as `mallory`, while `frames` is the log. Returns what each was answered. */
async function forgeAll(app: App, mallory: Device, frames: Logged[]): Promise<Record<string, string>> {
  const way = patiently(app, 'mallory')
  const url = `${app.url}/api/rooms/${ROOM}`
  const post = (body: Uint8Array | string, type = BATON_TYPE, path = '') =>
    way(url + path, { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers: { 'content-type': type } })
  const last = frames.at(-1) as Logged
  const hail = (more: Partial<Hail>) => mallory.request(mallory.hail({ presence: PRESENCE.here, ...more }))
  // Whoever may read a room may read the ids of its devices.
  const ids = entriesOf(frames).flatMap((entry) => (entry.tag === 'register' ? [entry] : []))
  const victim = ids.find(({ user }) => user === 't2_player0')
  if (!victim) throw new Error('nobody to forge')
  const stop = { seq: 1_000, version: 1, body: new Uint8Array([32]) }
  const snapshot = await mallory.ask(null, { cursor: { v: 1, hash: new Uint8Array(16) } })
  const state = 'room' in snapshot.news ? snapshot.news.room : last.stored
  const next = encode(request, {
    protocol: 1,
    cursor: { v: last.v, hash: Buffer.from(last.hash, 'hex') },
    rules: 1,
    frames: 1,
    device: null,
  })
  const tries: Record<string, () => Promise<Response>> = {
    'a frame': () => post(last.stored),
    'a state': () => post(state),
    'a request with a state after it': () => post(new Uint8Array([...next, ...state])),
    'a state as JSON': () => post(JSON.stringify({ state: { zombies: [] }, v: last.v + 1 }), 'application/json'),
    'a view': () => post('{"game":{"phase":"over"}}', 'application/json', '/view'),
    'a block': () => post(last.stored, BATON_TYPE, `/frames/1-64/${last.hash}`),
    'a task of the platform': () => way(`${app.url}/internal/triggers/install`, { method: 'POST', body: '{}' }),
    "another's device": () => post(hail({ id: victim.id, number: ids.indexOf(victim), actions: [stop] })),
    "another's number": () => post(hail({ number: ids.indexOf(victim), actions: [stop] })),
    'a number far ahead': () => post(hail({ number: mallory.number, actions: [stop] })),
    'a frame that never was': () =>
      post(mallory.request(null, { cursor: { v: last.v + 1_000, hash: new Uint8Array(16) } })),
    'answers that never were': () => post(hail({ answered: 2 ** 40 })),
  }
  const told: Record<string, string> = {}
  for (const [name, send] of Object.entries(tries)) told[name] = await codeOf(await send())
  return told
}

/** How somebody asks who asks again where the outcome is unknown. */
function patiently(app: App, user: string): Bot['send'] {
  const way = asUser(app.devvit, user)
  return async (url, init) => {
    for (;;) {
      const answer = await way(url, init).catch(() => null)
      if (answer && answer.status < 500) return answer
    }
  }
}

test('j05_what_clients_say_of_the_state_changes_nothing_and_the_log_replays_to_it_on_devvit', {
  timeout: 240_000,
}, async () => {
  const app = await start({ ...PACE, rooms: { contagion: QUIET } })
  const crew = await Crew.playing(4, app.url, POST, app.send)
  const way = patiently(app, 'mallory')
  const mallory = new Device(app.url, ROOM, await guest(app.url, way), way)
  app.devvit.faults(TROUBLE)
  const [told, ended, walked] = await crew.walking(async () => {
    await mallory.join()
    const told = await forgeAll(app, mallory, await app.log())
    // The server alone may end a match; anybody may walk.
    const verdicts = [await mallory.act([33]), await mallory.act([7])]
    const before = (await app.log()).length
    await until('more of the log', PATIENCE_MS, async () => (await app.log()).length > before + 20)
    return [told, ...verdicts] as const
  })
  await crew.walking(() => app.calm())
  expect(told).toEqual({
    'a frame': '400 malformed',
    'a state': '400 malformed',
    'a request with a state after it': '400 malformed',
    'a state as JSON': '415 media_type',
    'a view': '405 method_not_allowed',
    'a block': '405 method_not_allowed',
    'a task of the platform': '404',
    "another's device": '409 unregistered',
    "another's number": '409 unregistered',
    'a number far ahead': '409 gap',
    'a frame that never was': '200',
    'answers that never were': '200',
  })
  expect([ended, walked]).toEqual([[4], [0]])
  const frames = await app.log()
  expect(against(frames, null)).toEqual([])
  const alone = replayed(frames)
  expect(alone.broken).toBe(false)
  expect(alone.huds.at(-1)).toMatchObject({ phase: 'playing', match_id: 1 })
  expect(crew.differences(20)).toEqual([])
  // The log has what each player did, each once, and nothing else.
  const entries = entriesOf(frames)
  const devices = entries.flatMap((entry) => (entry.tag === 'register' ? [entry.user] : []))
  const acts = (user: string) =>
    entries.flatMap((entry) => (entry.tag === 'act' && devices[entry.device] === user ? [[...entry.body]] : []))
  expect(acts('t2_mallory')).toEqual([[7]])
  expect(crew.bots.map((_, index) => acts(`t2_player${index}`).length)).toEqual(crew.bots.map((bot) => bot.taken()))
  // Who says nothing for long, as mallory, has left.
  const tags = new Set(entries.map(({ tag }) => tag))
  expect([...tags]).toEqual(expect.arrayContaining(['setup', 'register', 'join', 'act', 'reject']))
  expect(
    [...tags].filter((tag) => !['setup', 'register', 'join', 'beat', 'leave', 'act', 'reject'].includes(tag)),
  ).toEqual([])
})

/** Four players, each of whom always asks the same process, and no two the same. */
const STICKY = { sticky: true }

/** What a process counts. */
interface Counted {
  led: number
  followed: number
  lost: number
  unknown: number
}

/** What the process of a player counts. */
async function counted(app: App, index: number): Promise<Counted> {
  return (await app.send(index)(`${app.url}/api/health`, {})).json() as never
}
const countedByAll = (app: App) => Promise.all(Array.from({ length: PROCESSES }, (_, index) => counted(app, index)))

test('j08_j12_clients_of_different_processes_see_one_game_at_every_version_on_devvit', {
  timeout: 240_000,
}, async () => {
  const app = await start({ ...PACE, rooms: { contagion: HORDE } }, STICKY)
  const crew = await Crew.playing(PROCESSES, app.url, POST, app.send)
  app.devvit.faults(BAD_CALLS)
  await crew.walking(() => until('a long log', PATIENCE_MS, async () => (await app.filled()) > 150), false)
  await crew.walking(() => app.calm(), false)
  const frames = await app.log()
  expect(against(frames, null)).toEqual([])
  // Each asked a process that followed another.
  for (const { followed } of await countedByAll(app)) expect(followed).toBeGreaterThan(0)
  expect(crew.differences(20)).toEqual([])
  for (const bot of crew.bots) {
    const seen = [...bot.history()].filter(([v]) => v <= frames.length)
    expect(seen.length).toBeGreaterThan(20)
    expect(seen).toEqual(seen.map(([v]) => [v, frames[v - 1]?.hash]))
  }
  const alone = replayed(frames)
  expect(alone.broken).toBe(false)
  expect(mostZombies(alone)).toBeGreaterThanOrEqual(HORDE.zombies_at_start)
  plain('processes that led, of four', new Set(frames.map(({ by }) => by)).size, '')
})

test('j09_four_processes_make_no_more_frames_than_one_on_devvit', { timeout: 240_000 }, async () => {
  const rooms = { ...PACE, rooms: { contagion: QUIET } }
  // At the same time, so that whatever else the machine does slows both.
  const both = await Promise.all([start(rooms, { instances: 1 }), start(rooms)])
  const crews = await Promise.all(both.map((app) => Crew.playing(4, app.url, POST, app.send)))
  // What makes calls slow, not what makes them fail: who is alone then stands still until nobody knows how long.
  for (const { devvit } of both) devvit.faults({ delay_ms: 2, jitter_ms: 4, stale: 0.1 })
  const long = () =>
    until('two long logs', PATIENCE_MS, async () =>
      (await Promise.all(both.map((app) => app.filled()))).every((filled) => filled > 150),
    )
  await Promise.all(crews.map((crew) => crew.walking(long)))
  const logs = await Promise.all(both.map((app) => app.log()))
  for (const log of logs) expect(against(log, null)).toEqual([])
  const [writers = 0, others = 0] = logs.map((log) => new Set(log.map(({ by }) => by)).size)
  expect(writers).toBe(1)
  expect(others).toBeGreaterThan(1)
  const [alone = 0, many = 0] = ratesOf(logs)
  plain('frames of a room on one process', alone, '1/s')
  atMost('frames of a room on four processes', many, '1/s', alone * 1.05)
  expect(many).toBeLessThanOrEqual(alone * 1.05)
})

/** So short a lease that whoever has frames to write is in a race for each. */
const RACING = { frame_ms: 20, lease_ms: 20, poll_ms: 50, rooms: { contagion: QUIET } }
/** Appends of a round that another has won. */
const RACES = 200
const ROUNDS = process.env.BATON_SOAK ? 50 : 1

test('j06_j16_in_races_of_four_processes_each_version_has_one_winner_on_devvit', {
  timeout: ROUNDS * 100_000,
}, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const app = await start(RACING, STICKY)
    const crew = await Crew.playing(3 * PROCESSES, app.url, POST, app.send)
    app.devvit.faults({ delay_ms: 4, jitter_ms: 8, stale: 0.1 })
    const sum = async (name: keyof Counted) =>
      (await countedByAll(app)).reduce((sum, counters) => sum + counters[name], 0)
    await crew.walking(() => until('races', PATIENCE_MS, async () => (await sum('lost')) > RACES), false)
    await crew.walking(() => app.calm(), false)
    const frames = await app.log()
    expect(against(frames, null)).toEqual([])
    expect(new Set(frames.map(({ by }) => by)).size).toBe(PROCESSES)
    // As many frames as processes were told are theirs, or were not told.
    expect(await sum('led')).toBeLessThanOrEqual(frames.length)
    expect((await sum('led')) + (await sum('unknown'))).toBeGreaterThanOrEqual(frames.length)
    expect(crew.differences(20)).toEqual([])
    plain('versions', frames.length, '')
    plain('appends that were refused since another had won', await sum('lost'), '')
    await stop()
  }
})

const OVERWRITING = pathToFileURL(join(import.meta.dirname, 'support/overwriting.mjs')).href

test('j16_where_the_store_writes_over_what_is_there_a_version_has_two_winners', { timeout: 1_200_000 }, async () => {
  const app = await start(RACING, { ...STICKY, extra: () => ({ imports: [OVERWRITING] }) })
  const crew = await Crew.of(3 * PROCESSES, app.url, POST, app.send)
  await until('two histories', PATIENCE_MS, async () => {
    await crew.all((bot) => bot.ask())
    return crew.differences(0).length > 0
  })
})
