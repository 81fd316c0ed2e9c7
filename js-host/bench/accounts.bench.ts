/**
 * Accounts under `baton syncs`: how many syncs a second one, two, four and eight processes of Node on one Redis take, with
 * more and more requests under way at once, until more of them bring nothing more; what becomes of requests far beyond that
 * point; and whether it goes on as before afterwards. Every run checks that nothing was lost or doubled. Without
 * `BATON_BENCH_LONG` one and four processes, for a moment.
 */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atMost, plain } from './figure'
import { type Host, nodeOnRedis } from './hosts'
import { cpuOf, variable } from './server'

const LONG = process.env.BATON_BENCH_LONG === '1'
const PROCESSES = LONG ? [1, 2, 4, 8] : [1, 4]
const SECONDS = LONG ? 5 : 2
/** Two devices each: more than there are requests under way. */
const USERS = LONG ? 1_536 : 192
/** Requests under way at once; the last number again, after all the others. */
const CLIENTS = LONG ? [1, 4, 16, 64, 256, 2_048, 64] : [4, 64, 256, 64]
/** More clients bring more syncs, or no longer. */
const SATURATED = 0.9
const KEY = 'operator'.padEnd(43, '0')

/** What the tool reports of one number of clients. */
interface Step {
  clients: number
  syncs: number
  syncs_per_s: number
  request_p50: number
  request_p99: number
  action_to_log_p50: number
  action_to_log_p99: number
  requests_without_an_answer: number
  refused: Record<string, number>
}

interface Report {
  steps: Step[]
  lost: number
  doubled: number
  forked: number
  without_an_answer: number
}

const scratch = mkdtempSync(join(tmpdir(), 'baton-accounts-'))
let faults = 0
try {
  for (const processes of PROCESSES) await measure(processes)
  atMost('actions of accounts lost or doubled, games forked, answers missing', faults, '', 0)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function measure(processes: number): Promise<void> {
  const way = nodeOnRedis(processes)
  const host = await way.start({}, { BATON_ADMIN_KEY: KEY })
  try {
    const { report, cpu } = await sync(host)
    faults += report.lost + report.doubled + report.forked + report.without_an_answer
    const steps = report.steps
    for (const [at, step] of steps.entries()) {
      const again = at === steps.length - 1 ? ', again' : ''
      plain(`${way.name}: syncs of ${step.clients} clients${again}`, step.syncs_per_s, '1/s')
      plain('  a request, p50', step.request_p50, 'ms')
      plain('  a request, p99', step.request_p99, 'ms')
      plain('  an action until its device sees it, p50', step.action_to_log_p50, 'ms')
      plain('  an action until its device sees it, p99', step.action_to_log_p99, 'ms')
      plain('  CPU of the host per sync', ((cpu[at]?.host ?? Number.NaN) * 1_000) / step.syncs, 'ms')
      plain('  CPU of the store per sync', ((cpu[at]?.store ?? Number.NaN) * 1_000) / step.syncs, 'ms')
      plain('  requests without an answer', step.requests_without_an_answer, '')
      for (const [code, count] of Object.entries(step.refused)) plain(`  refused: ${code}`, count, '')
    }
    const most = Math.max(...steps.map((step) => step.syncs_per_s))
    const first = steps.find((step) => step.syncs_per_s >= SATURATED * most)
    plain(`${way.name}: clients from which on more bring less than a tenth more`, first?.clients ?? 0, '')
    const [before, after] = steps.filter(({ clients }) => clients === steps.at(-1)?.clients)
    plain('  syncs afterwards, of those before', (after?.syncs_per_s ?? 0) / (before?.syncs_per_s ?? 1), 'x')
  } finally {
    await host.stop()
  }
}

/** Runs the tool, and what CPU each step of it cost. That something was lost is a figure; that it could not run is an error. */
async function sync({ urls, pids, store }: Host): Promise<{ report: Report; cpu: { host: number; store: number }[] }> {
  const file = join(scratch, 'report.json')
  const words = ['--users', `${USERS}`, '--seconds', `${SECONDS}`, '--clients', CLIENTS.join(), '--sends', '0']
  const child = spawn(variable('BATON_LOAD'), ['syncs', ...urls, ...words, '--json', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BATON_ADMIN_KEY: KEY },
  })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  const used = () => [pids, store].map((all) => all.map(cpuOf).reduce((sum, each) => sum + each, 0))
  const marks: number[][] = []
  for await (const line of createInterface(child.stdout)) {
    if (/^\d+ clients$|^settling$/.test(line)) marks.push(used())
  }
  const status = await ended
  if (status !== 0 && status !== 1) throw new Error(`baton syncs ended with ${status}`)
  const cpu = marks.slice(1).map((now, at) => {
    const [host = 0, store = 0] = now.map((each, of) => each - (marks[at]?.[of] ?? 0))
    return { host, store }
  })
  return { report: JSON.parse(readFileSync(file, 'utf8')) as Report, cpu }
}
