/**
 * Servers for benches: plain `workerd serve`, on loopback, with an empty storage directory. Decides
 * ports and directories, and ends what it started.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A running workerd. */
export interface Server {
  origin: string
  pid: number
  /** Seconds of CPU it used so far; `NaN` where the system does not tell. */
  cpu_s(): number
  /** When it was started, by `performance.now()`. */
  started_ms: number
  stop(): Promise<void>
}

/** The clock ticks per second of /proc. */
const HERTZ = 100

export function variable(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run this by \`cargo xtask bench\``)
  return value
}

/** Starts Baton in a mode, with settings for its rooms and no limits of rate. `more`: other variables; these count. */
export function startBaton(
  mode: 'embedded' | 'stateless',
  rooms: object,
  more: Record<string, string> = {},
): Promise<Server> {
  const path = variable(`BATON_CONFIG_${mode.toUpperCase()}`)
  const limits = { BATON_RATE_USER: '0/0', BATON_RATE_ADDRESS: '0/0', BATON_RATE_GUEST: '0/0' }
  const bindings = Object.entries({ BATON_ROOMS: JSON.stringify({ rooms }), ...limits, ...more })
    .map(([name, value]) => `    (name = "${name}", text = ${JSON.stringify(value)}),\n`)
    .join('')
  // A store may be on loopback, where a Worker may not look by itself.
  const network = '    (name = "internet", network = (allow = ["public", "private"])),\n'
  const config = readFileSync(path, 'utf8')
    .replace('  bindings = [\n', `  bindings = [\n${bindings}`)
    .replace('  services = [\n', `  services = [\n${network}`)
  return start(config, dirname(path))
}

/** Starts a configuration whose modules lie in `directory`; waits until it listens. */
export async function start(config: string, directory: string): Promise<Server> {
  const port = await freePort()
  const storage = mkdtempSync(join(tmpdir(), 'baton-bench-'))
  const file = join(directory, `bench-${port}.capnp`)
  writeFileSync(file, config)
  const started_ms = performance.now()
  const socket = ['--socket-addr', `http=127.0.0.1:${port}`, '--directory-path', `storage=${storage}`]
  const child = spawn(variable('BATON_WORKERD'), ['serve', file, ...socket], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.kill('SIGKILL')) await ended
    rmSync(storage, { recursive: true, force: true })
    rmSync(file, { force: true })
  }
  const origin = `http://127.0.0.1:${port}`
  try {
    await listening(origin, child)
  } catch (error) {
    await stop()
    throw error
  }
  const pid = child.pid ?? 0
  return { origin, started_ms, stop, pid, cpu_s: () => cpuOf(pid) }
}

async function listening(origin: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (child.exitCode !== null) throw new Error(`workerd ended: ${child.exitCode}`)
    const answers = await fetch(`${origin}/api/health`).then(
      (response) => response.arrayBuffer().then(() => true),
      () => false,
    )
    if (answers) return
    await sleep(10)
  }
  throw new Error('workerd does not listen')
}

/** Seconds of CPU that a process used so far; `NaN` where the system does not tell. */
export function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / HERTZ
  } catch {
    return Number.NaN
  }
}

/** Megabytes that a process holds in memory; `NaN` where the system does not tell. */
export function memoryOf(pid: number): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) / 1_000
  } catch {
    return Number.NaN
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
