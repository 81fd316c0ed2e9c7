/**
 * Hosts and stores under `baton load`: requests, times and CPU with 50 and 500 clients, actions in one hot room, memory of
 * rooms. Each figure is the median of some runs, in rooms of their own; every run checks that nothing was lost. With
 * `BATON_BENCH_LONG` all hosts, stores and numbers of processes; without, one process of Node.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atLeast, atMost, median, plain, spread } from './figure'
import { type Host, nodeOnMemory, nodeOnRedis, type Way, workers, workersOnRedis } from './hosts'
import { cpuOf, memoryOf, variable } from './server'

const LONG = process.env.BATON_BENCH_LONG === '1'
const RUNS = LONG ? 3 : 1
const SECONDS = 6
/** Everybody comes within so many seconds. */
const RAMP = '2'
/** What each client does in a second. */
const RATE = 2
/** As many as have a seat: with 32 actions each, as much as one frame holds. */
const HOT_CLIENTS = 64
const HOT_AIM = 10_000
const ROOMS = 100
/** The game as it is, but for the wait before it. */
const GAME = { countdown_ms: 500 }
/** Open ground and nobody on it: what is measured is not the rules. */
const QUIET = { ...GAME, city: false, zombies_at_start: 0, spawns_per_minute: 0, spawns_per_minute_and_player: 0 }

/** Where `BATON_BENCH_WAY` is set, only those whose name contains it. */
const WANTED = process.env.BATON_BENCH_WAY ?? ''
const SHORT_WAYS: Way[] = [nodeOnMemory]
const REDIS_WAYS = [1, 2, 4, 8].map(nodeOnRedis)
const LONG_WAYS: Way[] = [nodeOnMemory, ...REDIS_WAYS, workers('embedded'), workers('stateless'), workersOnRedis]

/** What the tool reports, and the seconds of CPU that the host and its store used meanwhile. */
interface Run {
  cpu_s: number
  store_s: number
  measured: number
  requests: number
  request_p50: number
  request_p99: number
  actions: number
  action_to_log_p50: number
  action_to_log_p99: number
  actions_without_an_answer: number
  bytes_up_per_client: number
  bytes_down_per_client: number
  lost: number
  doubled: number
  forked: number
}

const scratch = mkdtempSync(join(tmpdir(), 'baton-load-'))
let faults = 0
let unanswered = 0
try {
  const ways = (LONG ? LONG_WAYS : SHORT_WAYS).filter(({ name }) => name.includes(WANTED))
  for (const way of ways) await measure(way)
  atMost('acknowledged actions lost or doubled, games forked', faults, '', 0)
  plain('actions without an answer', unanswered, '')
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function measure(way: Way): Promise<void> {
  await on(way, GAME, async (host) => {
    await clients(way, host, 50, 1)
    if (LONG) await clients(way, host, 500, 10)
    if (LONG && way.processes > 1) await clients(way, host, 500, 10, ['--sticky'])
  })
  await on(way, QUIET, (host) => hot(way, host))
  await on(way, QUIET, (host) => rooms(way, host))
}

async function on(way: Way, game: object, work: (host: Host) => Promise<void>): Promise<void> {
  const host = await way.start(game)
  try {
    await work(host)
  } finally {
    await host.stop()
  }
}

/** Players who play as people do. */
async function clients(way: Way, host: Host, count: number, rooms: number, more: string[] = []): Promise<void> {
  const runs = await several(host, ['--clients', `${count}`, '--rooms', `${rooms}`, '--rate', `${RATE}`, ...more])
  const all = middle(runs)
  plain(
    `${way.name}: requests of ${count} clients${more.length > 0 ? ', a process per room' : ''}`,
    all('requests'),
    '1/s',
  )
  plain('  a request, p50', all('request_p50'), 'ms')
  plain('  a request, p99', all('request_p99'), 'ms')
  plain('  an action until its client sees it, p50', all('action_to_log_p50'), 'ms')
  plain('  an action until its client sees it, p99', all('action_to_log_p99'), 'ms')
  plain('  on the wire to a client, headers included', all('bytes_down_per_client'), 'B/s')
  plain('  CPU of the host per request', cpu_ms(runs, 'requests'), 'ms')
  if (host.store.length > 0) plain('  CPU of the store per request', cpu_ms(runs, 'requests', 'store_s'), 'ms')
  plain(`  CPU of the host per room of ${count / rooms}`, (cpu_ms(runs) / rooms) * 100, '%')
}

/** As much as one room takes. */
async function hot(way: Way, host: Host): Promise<void> {
  const runs = await several(host, ['--clients', `${HOT_CLIENTS}`, '--hot'])
  console.error(`${way.name}: ${spread(runs.map((run) => run.actions))} actions/s`)
  atLeast(`${way.name}: actions in one hot room`, middle(runs)('actions'), '1/s', HOT_AIM)
  const per_action_ms = cpu_ms(runs, 'actions')
  plain('  actions per second of its CPU', 1_000 / per_action_ms, '1/s')
  plain('  an action until its client sees it, p99', middle(runs)('action_to_log_p99'), 'ms')
}

/** Many rooms with one client each. */
async function rooms(way: Way, host: Host): Promise<void> {
  await load(host, ['--clients', '1', '--seconds', '1', '--rate', '1'])
  const before = memory(host)
  const words = ['--clients', `${ROOMS}`, '--rooms', `${ROOMS}`, '--rate', '1', '--seconds', `${SECONDS}`]
  const run = await load(host, words)
  plain(`${way.name}: memory of its processes`, before, 'MB')
  plain(`  more with ${ROOMS} rooms, per room`, ((memory(host) - before) * 1_000) / ROOMS, 'KB')
  plain('  rooms of one client per second of its CPU', (ROOMS * run.measured) / run.cpu_s, '')
}

function memory({ pids }: Host): number {
  return pids.map(memoryOf).reduce((sum, each) => sum + each, 0)
}

async function several(host: Host, words: string[]): Promise<Run[]> {
  const runs: Run[] = []
  for (let count = 0; count < RUNS; count++) runs.push(await load(host, [...words, '--seconds', `${SECONDS}`]))
  return runs
}

function middle(runs: Run[]): (name: keyof Run) => number {
  return (name) => median(runs.map((run) => run[name]))
}

/** Milliseconds of CPU in a second, or for each of what was done. */
function cpu_ms(runs: Run[], per?: 'requests' | 'actions', whose: 'cpu_s' | 'store_s' = 'cpu_s'): number {
  return median(runs.map((run) => (run[whose] * 1_000) / run.measured / (per ? run[per] : 1_000)))
}

/** Runs the tool once. Its exit code 1 is a figure; that it could not run is an error. */
async function load({ urls, pids, store }: Host, words: string[]): Promise<Run> {
  const file = join(scratch, 'report.json')
  const child = spawn(variable('BATON_LOAD'), ['load', ...urls, ...words, '--ramp', RAMP, '--json', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  const cpu = () => [pids, store].map((all) => all.map(cpuOf).reduce((sum, each) => sum + each, 0))
  let [began_s, ended_s] = [cpu(), cpu()]
  for await (const line of createInterface(child.stdout)) {
    if (line.endsWith(' play')) began_s = cpu()
    if (line.includes(' requests/s ')) ended_s = cpu()
  }
  const [cpu_s = 0, store_s = 0] = ended_s.map((each, of) => each - (began_s[of] ?? 0))
  const status = await ended
  if (status !== 0 && status !== 1) throw new Error(`baton load ended with ${status}`)
  const report = JSON.parse(readFileSync(file, 'utf8')) as Run
  faults += report.lost + report.doubled + report.forked
  unanswered += report.actions_without_an_answer
  return { ...report, cpu_s, store_s }
}
