/**
 * `baton load` on a process of Node: what it says of a host that does its work, and of one that loses, doubles or forks.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { QUIET } from './support/bot'
import { buildProgram, runProgram } from './support/cargo'
import { doubling, honest, Liar, losing, splitting } from './support/liar'
import { NodeProcess } from './support/node-host'

const PROGRAM = ['baton-cli', 'baton'] as const
/** Few clients who act a lot, for a moment. */
const SMALL = ['--clients', '4', '--ramp', '0', '--seconds', '2', '--rate', '10', '--settle', '2']

interface Report {
  good: boolean
  actions_accepted: number
  clients_joined: number
  lost: number
  doubled: number
  forked: number
  refused: Record<string, number>
}

let host: NodeProcess
const scratch = mkdtempSync(join(tmpdir(), 'baton-load-'))

beforeAll(async () => {
  await buildProgram(...PROGRAM)
  const rooms = JSON.stringify({ rooms: { contagion: { ...QUIET, countdown_ms: 500 } } })
  host = await NodeProcess.start('memory', { BATON_ROOMS: rooms })
}, 600_000)

afterAll(async () => {
  await host?.end('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})

/** Runs the tool; its exit code, and its report if it wrote one. */
async function load(url: string, ...words: string[]): Promise<{ status: number; said: string; report: Report }> {
  const file = join(scratch, 'report.json')
  rmSync(file, { force: true })
  const { status, said } = await runProgram(...PROGRAM, 'load', url, '--json', file, ...words)
  return { status, said, report: JSON.parse(readFileSync(file, 'utf8')) as Report }
}

test.each([
  ['pushed_frames', ['--push', 'sse']],
  ['frames_that_are_asked_for', ['--push', 'none']],
  ['several_rooms', ['--rooms', '2']],
])('p09_with_%s_every_acknowledged_action_is_in_the_log_once', async (_, words) => {
  const { status, said, report } = await load(host.url, ...SMALL, ...words)
  expect(status, said).toBe(0)
  expect(report).toMatchObject({ good: true, clients_joined: 4, lost: 0, doubled: 0, forked: 0, refused: {} })
  expect(report.actions_accepted).toBeGreaterThan(40)
})

test('p09_a_hot_room_takes_as_many_actions_as_its_clients_may_have_open', async () => {
  const { status, said, report } = await load(host.url, ...SMALL.slice(0, 6), '--hot')
  expect(status, said).toBe(0)
  expect(report.actions_accepted).toBeGreaterThan(4 * 32 * 2)
})

test.each([
  ['is_honest', honest, 0, []],
  ['loses_what_it_acknowledged', losing(), 1, ['lost']],
  ['doubles_what_it_was_sent', doubling(), 1, ['doubled']],
  ['lets_two_games_go_on_in_one_room', splitting(), 1, ['lost', 'forked']],
])('p09_a_front_that_%s_is_told_by_the_exit_code', async (_, lie, code, faults) => {
  const front = await Liar.start(host.url, lie)
  try {
    const { status, said, report } = await load(front.url, ...SMALL, '--push', 'none')
    const found = (['lost', 'doubled', 'forked'] as const).filter((fault) => report[fault] > 0)
    expect([status, found], said).toEqual([code, faults])
  } finally {
    await front.stop()
  }
})

test('p09_a_host_that_is_not_there_is_no_measurement', async () => {
  const nobody = await runProgram(...PROGRAM, 'load', 'http://127.0.0.1:9', '--clients', '1')
  expect([nobody.status, nobody.said]).toEqual([2, expect.stringContaining('gives no session')])
  const nothing = await runProgram(...PROGRAM, 'load', 'localhost')
  expect(nothing.status).toBe(2)
})
