/**
 * Any number of spectators behind a caching proxy: what is read grows, what the host is asked does not; and a store that
 * loses writes under them, of which no cache may keep anything alive.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { blake3 } from '@noble/hashes/blake3.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes, list } from '../../js-host/src/codec'
import { nothing } from '../../js-host/src/effect'
import { SEGMENT } from '../../js-host/src/limits'
import { RedisStore } from '../../js-host/src/stores/redis'
import { overTcp } from '../../js-host/src/stores/redis-scripts'
import { Failover } from '../stores/support/failover'
import { RedisServer } from '../stores/support/redis-server'
import { QUIET } from './support/bot'
import { until } from './support/browser'
import { Crew } from './support/crew'
import { Nginx } from './support/nginx'
import { NodeProcess } from './support/node-host'
import { type Bodies, readAll } from './support/readers'
import { Spectator } from './support/spectator'
import { decode, frame, reply } from './wire'

const VARIABLES = { BATON_LOG: 'all', BATON_ROOMS: JSON.stringify({ frame_ms: 50, rooms: { contagion: QUIET } }) }
const MATCH_MS = 60_000
const BURSTS = 8
const BURST_MS = 1_000

/** Requests that a host was asked with GET, by what they are for, since the last look. */
class Asked {
  readonly #host: NodeProcess
  readonly #room: string
  #from = 0

  constructor(host: NodeProcess, room: string) {
    this.#host = host
    this.#room = `"method":"GET","path":"/api/rooms/contagion/${room}/`
    this.#from = host.log().length
  }

  since(): { tail: number; snapshot: number; frames: number } {
    const log = this.#host.log()
    const lines = log.slice(this.#from).split('\n')
    this.#from = log.length
    const count = (what: string) => lines.filter((line) => line.includes(`${this.#room}${what}`)).length
    return { tail: count('tail"'), snapshot: count('snapshot"'), frames: count('frames/') }
  }
}

function version(crew: Crew): number {
  return Math.max(...crew.bots.map((bot) => bot.replica.version()))
}

async function reach(crew: Crew, least: number): Promise<void> {
  await until(`version ${least}`, MATCH_MS, async () => version(crew) >= least)
}

/** Looks until a spectator has what the players have. */
async function catchUp(spectator: Spectator, crew: Crew): Promise<void> {
  await until('a spectator who has what the players have', MATCH_MS, async () => {
    await Promise.all([spectator.look(), ...crew.bots.map((bot) => bot.ask())])
    return crew.bots.some((bot) => bot.replica.hash() === spectator.replica.hash())
  })
}

describe('with a store that loses nothing', () => {
  let redis: RedisServer
  let host: NodeProcess
  let nginx: Nginx
  beforeAll(async () => {
    redis = await RedisServer.start()
    host = await NodeProcess.start(`redis://127.0.0.1:${redis.port}`, VARIABLES)
    nginx = await Nginx.start(host.url)
  })
  afterAll(async () => {
    await nginx?.stop()
    await host?.end('SIGKILL')
    await redis?.stop()
  })

  test('x8_a_hundred_thousand_reads_cost_the_host_what_a_thousand_do', async () => {
    const crew = await Crew.playing(2, host.url, 'crowd', () => fetch)
    const room = `${nginx.url}/api/rooms/contagion/crowd`
    const spectator = new Spectator(room)
    const seen: Bodies = new Map()
    const asked = new Asked(host, 'crowd')
    /** So many reads, spread over the same time, of what a crowd of spectators reads. */
    const crowd = async (reads: number) => {
      asked.since()
      const [began_ms, from] = [performance.now(), version(crew)]
      for (let burst = 0; burst < BURSTS; burst += 1) {
        await spectator.look()
        const blocks = new Set(spectator.read.filter((path) => path.startsWith('frames/')))
        const paths = ['tail', 'snapshot', ...blocks].map((path) => `/api/rooms/contagion/crowd/${path}`)
        await readAll(nginx.port, paths, reads / BURSTS, seen)
        await sleep(Math.max(0, began_ms + (burst + 1) * BURST_MS - performance.now()))
      }
      const seconds = (performance.now() - began_ms) / 1_000
      return { seconds, blocks: Math.floor(version(crew) / SEGMENT) - Math.floor(from / SEGMENT), ...asked.since() }
    }
    const crowds = await crew.walking(async () => {
      await reach(crew, SEGMENT + 5)
      await spectator.look()
      return [await crowd(1_000), await crowd(100_000)]
    })
    for (const { seconds, blocks, tail, snapshot, frames } of crowds) {
      // One a second, since that is how long an answer lives; a block once.
      expect(tail).toBeLessThanOrEqual(seconds + 2)
      expect(snapshot).toBeLessThanOrEqual(seconds + 2)
      expect(frames).toBeLessThanOrEqual(blocks + 1)
      expect(tail + snapshot + frames).toBeGreaterThan(3)
    }
    await catchUp(spectator, crew)
    expect(spectator.notes).toEqual([])
    expect(spectator.replica.status(performance.now())).toBe('live')
    // Whatever any of them was given is of the history that the spectator verified, hash by hash.
    const verified = new Map(JSON.parse(spectator.replica.trail()) as [number, string][])
    const shown = framesOf(seen)
    expect(shown.filter(([v]) => verified.has(v)).length).toBeGreaterThan(SEGMENT)
    for (const [v, hash] of shown) expect([v, verified.get(v) ?? hash]).toEqual([v, hash])
    const counts = [...seen.values()].flatMap((bodies) => [...bodies.values()])
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(101_000)
  })

  test('x8_control_without_a_word_on_caching_the_host_is_asked_every_time', async () => {
    const asked = new Asked(host, 'crowd')
    await readAll(nginx.port, ['/unsaid/api/rooms/contagion/crowd/tail'], 1_000)
    expect(asked.since().tail).toBe(1_000)
  })
})

describe('with a store that loses its last writes', () => {
  let redis: Failover
  let host: NodeProcess
  let nginx: Nginx
  beforeAll(async () => {
    redis = await Failover.start()
    host = await NodeProcess.start(redis.url, VARIABLES)
    nginx = await Nginx.start(host.url)
  })
  afterAll(async () => {
    await nginx?.stop()
    await host?.end('SIGKILL')
    await redis?.stop()
  })

  test('x8_after_a_loss_spectators_end_on_the_history_that_is_left_and_no_cached_block_is_taken', async () => {
    const crew = await Crew.playing(3, host.url, 'lost', () => fetch)
    const below = '/api/rooms/contagion/lost'
    const [spectator, late] = [new Spectator(nginx.url + below), new Spectator(nginx.url + below)]
    const [full, lost] = await crew.walking(async () => {
      await reach(crew, 20)
      await spectator.look()
      // From here on nothing is copied, and everything is acknowledged, shown and cached.
      redis.sever()
      const full = (Math.floor(version(crew) / SEGMENT) + 1) * SEGMENT
      await reach(crew, full + 10)
      await catchUp(spectator, crew)
      const lost = await blockIn(redis.primary, 'lost', full)
      expect(spectator.read).toContain(lost)
      expect((await fetch(`${nginx.url}/versions${below}/${lost}`)).status).toBe(200)
      const before = version(crew)
      await redis.fail()
      await reach(crew, before + 10)
      return [full, lost] as const
    }, false)
    await Promise.all([catchUp(spectator, crew), catchUp(late, crew)])
    expect(spectator.notes).toEqual([{ note: 'reset' }])
    expect(late.notes).toEqual([])

    // The same versions have another name now.
    const kept = await blockIn(redis.replica, 'lost', full)
    expect(kept.split('/')[1]).toBe(lost.split('/')[1])
    expect(kept).not.toBe(lost)
    const read = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer())
    const [through, direct] = await Promise.all([nginx, host].map(({ url }) => read(`${url}${below}/${kept}`)))
    expect(through?.equals(direct ?? Buffer.alloc(0))).toBe(true)
    // Control: named by its versions alone it would be the lost one still.
    const stale = await read(`${nginx.url}/versions${below}/${kept}`)
    expect(stale.equals(direct ?? stale)).toBe(false)
    expect(stale.equals(await read(`${nginx.url}${below}/${lost}`))).toBe(true)
  })
})

/** Every frame that was handed out in tails and blocks, by version and hash. */
function framesOf(bodies: Bodies): [number, string][] {
  const shown: [number, string][] = []
  for (const [path, of] of bodies) {
    for (const text of of.keys()) {
      const body = new Uint8Array(Buffer.from(text, 'latin1'))
      const news = path.includes('/frames/') ? null : decode(reply, body).news
      const frames = news === null ? decode(list(bytes), body) : news.tag === 'frames' ? news.frames : []
      for (const each of frames) shown.push([decode(frame, each).v, hashOf(each)])
    }
  }
  return shown
}

function hashOf(stored: Uint8Array): string {
  return Buffer.from(blake3(stored).subarray(0, 16)).toString('hex')
}

/** The name of the block that ends at a version, as the store has it. */
async function blockIn(server: RedisServer, room: string, v: number): Promise<string> {
  const client = await server.connect()
  const store = new RedisStore(overTcp(client))
  const { block } = await store.read(`contagion/${room}`, { known: nothing(), since: v, block: v })
  await client.close()
  return `frames/${v - SEGMENT + 1}-${v}/${hashOf(block?.at(-1) ?? new Uint8Array())}`
}
