/** Deploying to Workers, as far as it goes without an account: what would be uploaded; and a deploy and its roll-back under a match. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { guest } from './device'
import { type Build, configure, type Server, startServer, TEST_KEYS, WRANGLER } from './server'
import { QUIET } from './support/bot'
import { until } from './support/browser'
import { Crew } from './support/crew'

/** What the platform takes on its free plan, compressed; paid plans take more. */
const MAX_WORKER_BYTES = 3 * 1024 * 1024
const ROOMS = JSON.stringify({ rooms: { contagion: QUIET } })
const NEW_KEY = `new:${'bmV3'.padEnd(43, 'A')}`

const kept: string[] = []
function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'baton-deploy-'))
  kept.push(made)
  return made
}
const started: Server[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()))
  for (const each of kept.splice(0)) rmSync(each, { recursive: true, force: true })
})

test.each([
  ['wrangler.toml', 'env.ROOMS (RoomObject)'],
  ['js-host/wrangler.redis.toml', 'env.BATON_MODE ("stateless")'],
])('p10_what_%s_would_upload_fits_the_platform', async (file, binding) => {
  const [scratch, out] = [directory(), directory()]
  configure(scratch, file)
  const arguments_ = ['deploy', '--config', join(scratch, 'wrangler.toml'), '--dry-run', '--outdir', out]
  const env = { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [WRANGLER, ...arguments_], {
    cwd: scratch,
    env,
  })
  expect(stdout).toContain('--dry-run: exiting now.')
  expect(stdout).toContain(binding)
  expect(stdout.includes('env.ROOMS')).toBe(file === 'wrangler.toml')
  expect(stderr).not.toMatch(/warning|error/i)
  // Source maps are not part of the Worker.
  const uploaded = readdirSync(out).filter((name) => /\.(js|wasm)$/.test(name))
  expect(uploaded.filter((name) => name.endsWith('.wasm')).length).toBe(1)
  const bytes = uploaded.map((name) => gzipSync(readFileSync(join(out, name))).length)
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(MAX_WORKER_BYTES / 4)
})

test('p10_a_worker_without_objects_and_without_redis_says_what_it_lacks', async () => {
  const server = await startServer({ mode: 'stateless', file: 'js-host/wrangler.redis.toml' })
  started.push(server)
  const answer = await fetch(`${server.url}/api/health`)
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'misconfigured' }])
  await until('its log', 10_000, async () => server.log().includes('BATON_STORE: no objects are bound here'))
})

test('p10_a_deploy_its_roll_back_and_a_new_key_leave_rooms_and_sessions_alone', async () => {
  const storage = directory()
  // The next version serves kinds that this one does not have.
  const deploy = async (keys: string, build?: Build): Promise<string> => {
    await started.pop()?.stop()
    const variables = { BATON_ROOMS: ROOMS, BATON_KEYS: keys }
    const server = await startServer({ mode: 'embedded', storage, variables, build })
    started.push(server)
    return server.url
  }
  const first = await deploy(TEST_KEYS)
  const crew = await Crew.playing(2, first, 'deployed', () => fetch)
  const { token, user } = await guest(first)
  const turns = () => {
    const enough = crew.turns + 12
    return crew.walking(() => until('turns', 60_000, async () => crew.turns >= enough))
  }
  await turns()
  const versions = [Math.max(...crew.bots.map((bot) => bot.replica.version()))]
  for (const [keys, build] of [
    [`${NEW_KEY},${TEST_KEYS}`, 'altered'],
    [`${NEW_KEY},${TEST_KEYS}`, undefined],
  ] as const) {
    const url = await deploy(keys, build)
    for (const bot of crew.bots) bot.url = url
    // Those who play do not notice, and their tokens are good.
    await turns()
    versions.push(Math.max(...crew.bots.map((bot) => bot.replica.version())))
    const answer = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    const renewed = (await answer.json()) as { token: string; user: string }
    expect([renewed.user, renewed.token.split('.')[0]]).toEqual([user, 'new'])
  }
  expect(versions).toEqual([...versions].sort((one, other) => one - other))
  expect(crew.bots.map((bot) => bot.notes.filter(({ note }) => note !== 'answer'))).toEqual([[], []])
  expect(crew.differences(10)).toEqual([])
  // The old key is taken away: who did not renew begins anew.
  const last = await deploy(NEW_KEY)
  const old = await fetch(`${last}/api/rooms/contagion/deployed/view`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(old.status).toBe(401)
})
