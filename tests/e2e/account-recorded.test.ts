/**
 * An account as a host that runs records it: two devices by hand and a page's wasm of one user, the operator, an account of
 * the time before, refusals of each. `tests/golden/account.jsonl` is such a recording, exported by the program `baton`;
 * `crates/cli/tests/recorded.rs` reads it with the program's other verbs. Here the same is done again, and must tell the same.
 *
 * `BATON_WRITE_GOLDEN=1 npx vitest run --project e2e account-recorded` records it anew.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Device, guest } from './device'
import { buildProgram, ROOT, runProgram } from './support/cargo'
import { Keeper } from './support/keeper'
import { NodeProcess } from './support/node-host'

const PROGRAM = ['baton-cli', 'baton'] as const
const KEY = 'operator'.padEnd(43, '0')
const GOLDEN = join(ROOT, 'tests/golden/account.jsonl')
const scratch = mkdtempSync(join(tmpdir(), 'baton-recorded-'))

let host: NodeProcess
beforeAll(async () => {
  process.env.BATON_ADMIN_KEY = KEY
  await buildProgram(...PROGRAM)
  host = await NodeProcess.start('memory', {
    BATON_ADMIN_KEY: KEY,
    BATON_ROOMS: '{"frame_ms": 20, "lease_ms": 40, "poll_ms": 50}',
  })
}, 600_000)
afterAll(async () => {
  await host?.end('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})

const baton = async (...words: string[]): Promise<string> => {
  const { status, said } = await runProgram(...PROGRAM, ...words)
  if (status !== 0) throw new Error(said)
  return said
}

/** What a recorded log says was done, and what was refused, by whom: without times, and without what a run was. */
async function told(file: string): Promise<object[]> {
  const lines = (await baton('history', file, '--json')).trim().split('\n')
  return lines.flatMap((line) => {
    const { told } = JSON.parse(line) as { told?: Record<string, unknown> }
    if (!told || !['register', 'act', 'reject', 'receive', 'decline'].includes(String(told.entry))) return []
    const { entry, device, number, code, action } = told
    const run = typeof action === 'object' && action !== null && 'run' in action
    return [{ entry, device, number, code, action: run ? 'a run' : action }]
  })
}

test('b37_a_host_that_runs_tells_the_story_that_is_recorded', { timeout: 200_000 }, async () => {
  const session = await guest(host.url)
  const room = `account/${session.user}`
  const operator = (action: object) => baton('send', '--host', host.url, '--room', room, JSON.stringify(action))
  const [phone, laptop] = [0, 1].map(() => new Device(host.url, 'account/me', session)) as [Device, Device]
  await phone.join()
  await laptop.join()
  // A loudness, a look, and one that nobody has bought.
  expect(await phone.act([4, 0, 70], [3, 2], [3, 4])).toEqual([0, 0, 10])
  await operator({ grant: { coins: 700, scrap: 300 } })
  // A raincoat, which is worn; and a forged grant.
  expect(await laptop.act([2, 0], [3, 4], [9, 254, 1, 0])).toEqual([0, 0, 1])
  await operator({ purchase: 'nurse' })
  // Both replace what was.
  expect([await phone.act([3, 6], [4, 0, 10]), await laptop.act([3, 1], [4, 2, 1])]).toEqual([
    [0, 0],
    [0, 0],
  ])
  const page = new Keeper(host.url, session)
  await page.plays(1)
  await operator({ import: { coins: 70, matches: { played: 9, won: 2, best: 812 }, goals: ['first_match'] } })
  expect(await phone.act([3, 3])).toEqual([0])
  const file = process.env.BATON_WRITE_GOLDEN ? GOLDEN : join(scratch, 'account.jsonl')
  await baton('export', '--host', host.url, '--room', room, '-o', file)
  const story = await told(file)
  expect(story.length).toBeGreaterThan(15)
  expect(story).toEqual(await told(GOLDEN))
})
