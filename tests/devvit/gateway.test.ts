/** The gateway, with a tiny app of the real packages behind it: who asks, what is let through, what ends and comes back. */

import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { NO_FAULTS } from '../../js-host/devvit/local/faults'
import { type LocalDevvit, startLocal } from '../../js-host/devvit/local/local'
import { periodOf } from '../../js-host/devvit/local/schedule'

const CONFIG = join(import.meta.dirname, 'fixture/devvit.json')
const POST = 't3_local1'
/** As long as anything may take that comes by itself. */
const SOON = { timeout: 30_000 }

let local: LocalDevvit
const log: string[] = []
beforeAll(async () => {
  local = await startLocal({ config: CONFIG, instances: 2, schedule: false, log: (line) => log.push(line) })
})
afterEach(() => local?.faults(NO_FAULTS))
afterAll(() => local?.stop())

type Init = Parameters<LocalDevvit['ask']>[3]

async function ask(user: string | undefined, path: string, init?: Init) {
  const { status, headers, body } = await local.ask(user, POST, path, init)
  return { status, headers, text: body.toString() }
}

async function json(user: string | undefined, path: string, init?: Init) {
  const { status, text } = await ask(user, path, init)
  if (status !== 200) throw new Error(`${status} ${text}`)
  return JSON.parse(text)
}

const post = (path: string, body = '{}') => fetch(`${local.url}/__local/${path}`, { method: 'POST', body })

describe('who asks', () => {
  test('is_whom_the_host_says', async () => {
    expect(await json('alice', '/api/who')).toMatchObject({ userId: 't2_alice', username: 'alice', postId: POST })
    expect(await json('bob', '/api/who')).toMatchObject({ userId: 't2_bob', subredditId: 't5_local' })
  })

  test('is_nobody_when_logged_out', async () => {
    expect(await json(undefined, '/api/who')).toMatchObject({ userId: null, username: null, postId: POST })
  })

  test('is_not_whom_the_page_says', async () => {
    const headers = { 'devvit-user': 't2_mallory', 'Devvit-Post': 't3_other', 'devvit-mod-permissions': 'all' }
    const said = await json('alice', '/api/who', { headers })
    expect(said).toMatchObject({ userId: 't2_alice', postId: POST, moderator: null })
    expect(await json(undefined, '/api/who', { headers })).toMatchObject({ userId: null, moderator: null })
  })

  test('asks_for_nothing_of_the_platform', async () => {
    const { status } = await ask('alice', '/internal/install', { method: 'POST', body: '{}' })
    expect(status).toBe(404)
  })

  test('looks_at_a_post_that_is_there', async () => {
    expect((await local.ask('alice', 't3_local99', '/api/who')).status).toBe(404)
  })

  test('does_not_control_it_from_an_embed', async () => {
    const origin = new URL(local.embed('alice', POST)).origin
    const { status } = await fetch(`${local.url}/__local/kill`, { method: 'POST', headers: { origin } })
    expect(status).toBe(403)
    expect((await ask('alice', '/__local/status')).status).toBe(404)
  })
})

describe('pages', () => {
  test('have_reddits_script_first_and_allow_no_inline_one', async () => {
    const { text, headers } = await ask('alice', '/splash.html')
    expect(text).toMatch(/<head><script src="\/__devvit\/devvit\.v1\.min\.js\?clientVersion=[\d.]+"><\/script>/)
    const policy = headers['content-security-policy']
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';")
    expect(policy).toContain(`frame-ancestors ${local.url}`)
    expect((await ask('alice', '/__devvit/devvit.v1.min.js')).text).toContain('no bridge context')
  })

  test('end_at_their_folder', async () => {
    for (const path of ['/../server.cjs', '/..%2fserver.cjs', '/%2e%2e/server.cjs', '/absent.js']) {
      expect((await ask('alice', path)).status).toBe(404)
    }
  })

  test('are_told_their_context_by_the_bridge_that_the_script_reads', async () => {
    const { context, src } = await (await fetch(`${local.url}/__local/bridge?user=alice&post=${POST}`)).json()
    expect(src).toBe(`http://alice--t3-local1.localhost:${local.port}/splash.html`)
    const given = await bootstrap(context)
    expect(given.context).toMatchObject({
      userId: 't2_alice',
      username: 'alice',
      postId: POST,
      subredditId: 't5_local',
    })
    expect(given.webViewMode).toBe(1)
    expect(given.entrypoints.game).toBe(`http://alice--t3-local1.localhost:${local.port}/game.html`)
    const nobody = await (await fetch(`${local.url}/__local/bridge?post=${POST}&mode=expanded`)).json()
    const other = await bootstrap(nobody.context)
    expect(other.context.userId).toBeUndefined()
    expect(other.webViewMode).toBe(2)
    const { hash } = new URL(local.embed('bob', POST))
    expect((await bootstrap('', hash)).context.userId).toBe('t2_bob')
  })
})

interface Global {
  context: { userId?: string }
  webViewMode: number
  entrypoints: Record<string, string>
}

/** Runs Reddit's own script, with the little of a browser that it asks for. */
async function bootstrap(name: string, hash = ''): Promise<Global> {
  const { text } = await ask('alice', '/__devvit/devvit.v1.min.js')
  const nothing = () => {}
  const document = { currentScript: { src: 'http://x/devvit.v1.min.js?clientVersion=1' }, addEventListener: nothing }
  const self: Record<string, unknown> = {}
  const names = [
    'globalThis',
    'window',
    'self',
    'document',
    'location',
    'addEventListener',
    'setInterval',
    'performance',
  ]
  const values = [
    self,
    { name },
    self,
    document,
    { hash, origin: 'x' },
    nothing,
    nothing,
    { getEntriesByType: () => [] },
  ]
  Object.assign(self, { addEventListener: nothing, document, fetch: nothing })
  // Its free `devvit` is a global of the page.
  new Function(...names, text.replace('"use strict";', ''))(...values)
  return self.devvit as Global
}

describe('limits', () => {
  test('of_what_is_sent_and_answered', async () => {
    const body = 'x'.repeat(4 * 1024 * 1024 + 1)
    expect((await ask('alice', '/api/who', { method: 'POST', body })).status).toBe(413)
    expect((await ask('alice', '/api/big')).status).toBe(502)
  })
})

describe('calls', () => {
  test('are_counted_for_each_request', async () => {
    const before = await local.calls()
    await json('alice', '/api/count')
    await json('alice', '/api/say', { method: 'POST', body: '1' })
    await json('alice', '/api/who')
    const { requests } = await local.calls()
    const fresh = Object.entries(requests).filter(([id]) => !(id in before.requests))
    expect(fresh.map(([, request]) => request)).toMatchObject([
      { route: 'GET /api/count', redis: 3, realtime: 0 },
      { route: 'POST /api/say', redis: 0, realtime: 1 },
      { route: 'GET /api/who', redis: 0, realtime: 0 },
    ])
  })

  test('meet_faults_that_are_switched_while_it_runs', async () => {
    await (await post('faults', JSON.stringify({ refuse: 1 }))).json()
    await vi.waitFor(async () => expect((await ask('alice', '/api/count')).text).toContain('DEADLINE_EXCEEDED'), SOON)
    await (await post('faults', JSON.stringify({ refuse: 0 }))).json()
    await vi.waitFor(async () => expect((await ask('alice', '/api/count')).status).toBe(200), SOON)
    expect((await post('faults', JSON.stringify({ refused: 1 }))).status).toBe(400)
  })
})

describe('processes', () => {
  test('serve_in_turn_or_the_same_one', async () => {
    const pids = async (of: LocalDevvit) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => of.ask('alice', POST, '/api/who')))
      return new Set(answers.map(({ body }) => JSON.parse(body.toString()).pid)).size
    }
    expect(await pids(local)).toBe(2)
    const sticky = await startLocal({ config: CONFIG, instances: 2, sticky: true, schedule: false, log: () => {} })
    expect(await pids(sticky).finally(() => sticky.stop())).toBe(1)
  })

  test('come_back_when_one_is_killed_and_its_requests_fail', async () => {
    const slow = Promise.all(Array.from({ length: 8 }, () => ask('alice', '/api/slow')))
    await new Promise((later) => setTimeout(later, 300))
    const pid = await local.kill()
    expect(pid).toBeGreaterThan(0)
    const statuses = new Set((await slow).map(({ status }) => status))
    expect(statuses).toContain(502)
    await vi.waitFor(async () => {
      const { processes } = await (await fetch(`${local.url}/__local/status`)).json()
      expect(processes.filter(({ listening }: { listening: boolean }) => listening)).toHaveLength(2)
      expect(processes.map((each: { pid: number }) => each.pid)).not.toContain(pid)
    }, SOON)
  })

  test.each([
    ['kill_before', 0],
    ['kill_after', 1],
  ] as const)('kill_themselves_by_%s', async (fault, more) => {
    const { count } = await json('alice', '/api/count')
    local.faults({ [fault]: 1, only: ['IncrBy'] })
    // They hear what they are told in order.
    await local.calls()
    expect((await ask('alice', '/api/count')).status).toBe(502)
    local.faults({ [fault]: 0 })
    await local.calls()
    expect((await json('alice', '/api/count')).count - count).toBe(1 + more)
    expect(log.join('\n')).toContain('ended with SIGKILL')
  })
})

describe('the platform', () => {
  test('fires_triggers_and_tasks', async () => {
    expect(JSON.parse((await local.trigger('onAppInstall')).body.toString())).toEqual({ installs: 2 })
    expect(JSON.parse((await local.tick('tick')).body.toString())).toMatchObject({ name: 'tick' })
    expect((await local.tick('absent')).status).toBe(404)
  })

  test('makes_a_post_by_the_menu', async () => {
    const { status, posts } = await (await post('menu/0')).json()
    expect([status, posts]).toEqual([200, ['t3_local2']])
    const { body } = await local.ask('alice', 't3_local2', '/api/who')
    expect(JSON.parse(body.toString())).toMatchObject({ postId: 't3_local2', postData: { by: 'moderator', é: 1 } })
    const feed = await (await fetch(`${local.url}/__local/feed`)).json()
    expect(feed.posts[0]).toMatchObject({ id: 't3_local2', title: 'By moderator', height_px: 320 })
  })

  test('streams_what_is_sent_to_who_asked_for_it', async () => {
    const answer = await fetch(`${local.url}/__local/realtime`)
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    const opened = (await reader?.read())?.value ?? ''
    const id = JSON.parse(/data: (.*)/.exec(opened)?.[1] ?? '')
    const { channels } = await (await post(`realtime/${id}`, JSON.stringify({ channels: ['room_1'] }))).json()
    expect(channels).toHaveLength(1)
    await json('alice', '/api/say', { method: 'POST', body: '{"hello":1}' })
    const heard = JSON.parse(/data: (.*)/.exec((await reader?.read())?.value ?? '')?.[1] ?? '')
    expect(heard).toEqual({ channel: channels[0], data: { msg: { hello: 1 } } })
    await reader?.cancel()
  })

  test('ticks_by_itself_at_the_rate_of_a_plain_cron', async () => {
    const began_ms = performance.now()
    const other = await startLocal({ config: CONFIG, log: () => {} })
    try {
      const { tasks } = await (await fetch(`${other.url}/__local/status`)).json()
      expect(tasks).toEqual({ tick: 'every 1 s', daily: 'not run: "0 12 * * *" is not emulated' })
      // Our own count as well; whichever began within a second may have ended after it.
      let own = 0
      const ticks = await vi.waitFor(
        async () => {
          own += 1
          const { ticks } = JSON.parse((await other.tick('tick')).body.toString())
          expect(ticks - own).toBeGreaterThanOrEqual(3)
          return ticks
        },
        { timeout: 60_000, interval: 500 },
      )
      expect(ticks - own).toBeLessThanOrEqual((performance.now() - began_ms) / 1_000 + 1)
    } finally {
      await other.stop()
    }
  })

  test.each([
    ['* * * * *', 60],
    ['*/5 * * * *', 300],
    ['* * * * * *', 1],
    ['*/10 * * * * *', 10],
    ['0 * * * * *', 60],
    ['0 12 * * *', undefined],
    ['30 * * * * *', undefined],
  ])('cron %s', (cron, period_s) => expect(periodOf(cron)).toBe(period_s))
})
