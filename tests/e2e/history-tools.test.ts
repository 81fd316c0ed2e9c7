/**
 * The program `baton` on a host that runs, as its operator: logs out, replayed by the rules that ship; actions of the server
 * and accounts of the time before in, each once.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RedisServer } from '../stores/support/redis-server'
import { Device, guest, type Session } from './device'
import { startServer } from './server'
import { buildProgram, runProgram } from './support/cargo'
import { NodeProcess } from './support/node-host'

const PROGRAM = ['baton-cli', 'baton'] as const
const KEY = 'operator'.padEnd(43, '0')
const variables = { BATON_ADMIN_KEY: KEY, BATON_ROOMS: '{"frame_ms": 50, "lease_ms": 100}' }
/** Frames: one full block, which is archived, and some more. */
const FRAMES = 64 + 6

const scratch = mkdtempSync(join(tmpdir(), 'baton-history-'))
const baton = (...words: string[]) => runProgram(...PROGRAM, ...words)

interface Host {
  url: string
  stop(): Promise<unknown>
}

const HOSTS: Record<string, () => Promise<Host>> = {
  'Node in memory': async () => {
    const host = await NodeProcess.start('memory', variables)
    return { url: host.url, stop: () => host.end('SIGKILL') }
  },
  'Node on Redis': async () => {
    const redis = await RedisServer.start()
    const host = await NodeProcess.start(`redis://127.0.0.1:${redis.port}`, variables)
    return { url: host.url, stop: () => host.end('SIGKILL').then(() => redis.stop()) }
  },
  'Workers, embedded': () => startServer({ mode: 'embedded', variables }),
  'Workers, stateless': () => startServer({ mode: 'stateless', variables }),
}

beforeAll(async () => {
  process.env.BATON_ADMIN_KEY = KEY
  await buildProgram(...PROGRAM)
}, 600_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** An account as its user sees it. */
async function account(url: string, { token }: Session): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${url}/api/rooms/account/me/view`, { headers })
  return ((await response.json()) as { game: Record<string, unknown> }).game
}

describe.each(Object.keys(HOSTS))('on %s', (name) => {
  let host: Host
  let session: Session
  let room: string
  beforeAll(async () => {
    host = await (HOSTS[name] as () => Promise<Host>)()
    session = await guest(host.url)
    room = `account/${session.user}`
    const device = new Device(host.url, 'account/me', session)
    await device.join()
    for (let turn = 0; turn < FRAMES; turn++) await device.act([3, turn % 4])
  }, 200_000)
  afterAll(() => host?.stop())

  test('b19_b27_x4_the_whole_log_is_exported_and_replays_to_what_its_user_sees', async () => {
    const file = join(scratch, 'account.jsonl')
    const exported = await baton('export', '--host', host.url, '--room', room, '-o', file)
    expect(exported.status, exported.said).toBe(0)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines.length).toBeGreaterThan(FRAMES)
    const replayed = await baton('replay', file)
    expect([replayed.status, replayed.said]).toEqual([0, expect.stringContaining(`${room}: sound`)])
    const under = await baton('replay', file, '--rules', 'account@1')
    expect(under.said).toContain('0 of 1 would change under account@1')
    const history = await baton('history', '--host', host.url, '--room', room, '--json')
    const told = history.said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).told)
    const acts = told.filter((each) => each?.entry === 'act')
    expect(acts.length).toBe(FRAMES)
    expect(acts[1]).toMatchObject({ action: { look: 1 }, user: session.user, device: 0, client: 1, number: 2 })
    const state = await baton('history', file, '--at', String(acts[5].sequence), '--json')
    expect(JSON.parse(state.said)).toMatchObject({ look: 5 % 4 })
    // One bit of a frame, and it is told which.
    const frame = JSON.parse(lines[40] as string)
    const bytes = Buffer.from(frame.frame, 'base64')
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    lines[40] = JSON.stringify({ ...frame, frame: bytes.toString('base64') })
    writeFileSync(file, lines.join('\n'))
    const forged = await baton('replay', file)
    expect([forged.status, forged.said]).toEqual([1, expect.stringContaining('NOT SOUND: frame 40')])
  }, 120_000)

  test('b14_an_action_of_the_operator_counts_once_however_often_it_is_sent', async () => {
    const before = (await account(host.url, session)).coins as number
    const send = (action: object) =>
      baton('send', '--host', host.url, '--room', room, JSON.stringify(action), '--lineage', '00112233445566aa')
    const sent = await send({ grant: { coins: 5, scrap: 0 } })
    expect([sent.status, sent.said]).toEqual([0, expect.stringContaining('accepted, in frame')])
    const again = await send({ grant: { coins: 5, scrap: 0 } })
    expect([again.status, again.said]).toEqual([0, expect.stringContaining('it was sent before')])
    expect((await account(host.url, session)).coins).toBe(before + 5)
    const refused = await baton('send', '--host', host.url, '--room', room, '{"reward":"hundred_games"}')
    expect([refused.status, refused.said]).toEqual([1, expect.stringContaining('rejected with 11')])
  }, 120_000)

  test('b38_accounts_of_the_time_before_are_taken_over_once_or_refused_by_name', async () => {
    const file = join(scratch, 'legacy.json')
    const before = (await account(host.url, session)).coins as number
    const take = (accounts: object) => {
      writeFileSync(file, JSON.stringify(accounts))
      return baton('import', file, '--host', host.url)
    }
    const bad = await take({ [session.user]: { coins: 70 }, other: { gems: 1 } })
    expect([bad.status, bad.said]).toEqual([2, expect.stringContaining('other: unknown field `gems`')])
    expect((await account(host.url, session)).imported).toBe(false)
    const taken = await take({ [session.user]: { coins: 70 }, newcomer: { scrap: 3 } })
    expect([taken.status, taken.said]).toEqual([
      0,
      expect.stringMatching(/accepted, in frame(.|\n)*accepted, in frame/),
    ])
    const again = await take({ [session.user]: { coins: 70 } })
    expect([again.status, again.said]).toEqual([0, expect.stringContaining('it was sent before')])
    const other = await take({ [session.user]: { coins: 71 } })
    expect([other.status, other.said]).toEqual([1, expect.stringContaining('rejected with 13')])
    expect(await account(host.url, session)).toMatchObject({ coins: before + 70, imported: true })
  }, 120_000)

  test('who_has_another_key_learns_nothing', async () => {
    process.env.BATON_ADMIN_KEY = 'x'.repeat(43)
    const refused = await baton('export', '--host', host.url, '--room', room)
    process.env.BATON_ADMIN_KEY = KEY
    expect([refused.status, refused.said]).toEqual([2, expect.stringContaining('401 unauthorized')])
  })
})
