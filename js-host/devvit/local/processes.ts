/**
 * The processes that run the app's bundle: as many as wanted, each anew when it has ended. Must not know what is asked of
 * them.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { type Faults, NO_FAULTS } from './faults.ts'
import { freePort } from './free-port.ts'
import type { FromProcess, ToProcess } from './preload.ts'
import type { Calls } from './rpc.ts'

const PRELOAD = join(import.meta.dirname, 'preload.ts')
/** How long a process may take to listen, in milliseconds. */
const START_MS = 20_000
/** How many processes in a row may end without having listened, until no more are started. */
const STILLBORN = 5
/** How long a process may take to report its calls, in milliseconds. */
const REPORT_MS = 2_000

interface Running {
  number: number
  child: ChildProcess
  port: number
  listening: boolean
}

/** What a process is given beside the app. */
export interface Extra {
  /** Modules that it loads first. */
  imports?: string[]
  variables?: Record<string, string>
}

export interface Settings {
  count: number
  server: string
  environment: Record<string, string>
  /** By the number of the process, from 1. */
  extra: (number: number) => Extra
  faults: Partial<Faults>
  log: (line: string) => void
}

export function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise<boolean>((tried) => {
    socket.once('connect', () => tried(true))
    socket.once('error', () => tried(false))
  }).finally(() => socket.destroy())
}

export class Processes {
  readonly faults: Faults
  /** How many ended on their own, or were killed. */
  ended = 0
  readonly #settings: Settings
  readonly #running = new Set<Running>()
  #stopping = false
  #stillborn = 0
  #reports = 0

  private constructor(settings: Settings) {
    this.#settings = settings
    this.faults = { ...NO_FAULTS, ...settings.faults }
  }

  /** Starts them all. @throws if one does not listen */
  static async start(settings: Settings): Promise<Processes> {
    const processes = new Processes(settings)
    const numbers = Array.from({ length: settings.count }, (_, at) => at + 1)
    await Promise.all(numbers.map((number) => processes.#start(number)))
    if (processes.#listening().length === settings.count) return processes
    await processes.stop()
    throw new Error(`${settings.server} does not listen on WEBBIT_PORT`)
  }

  /** Where one of them listens: any, or for a `key` mostly the same one. Waits for one a while, if all have ended. */
  async pick(key?: string): Promise<number | undefined> {
    for (const until_ms = Date.now() + START_MS; Date.now() < until_ms && !this.#stopping; await pause(20)) {
      const ready = this.#listening().sort((one, other) => one.number - other.number)
      const at = key === undefined ? Math.floor(Math.random() * ready.length) : hashOf(key) % ready.length
      const port = ready[at]?.port
      if (port !== undefined) return port
      if (this.#running.size === 0) return undefined
    }
    return undefined
  }

  /** Kills one. Returns its process id. */
  async kill(): Promise<number | undefined> {
    const [victim] = this.#listening()
    if (!victim) return undefined
    const gone = new Promise((ended) => victim.child.once('exit', ended))
    victim.child.kill('SIGKILL')
    await gone
    return victim.child.pid
  }

  change(faults: Partial<Faults>): void {
    Object.assign(this.faults, faults)
    for (const { child } of this.#running) tell(child, { type: 'faults', faults })
  }

  /** What those report that live. Who was killed takes its counts along. */
  async calls(): Promise<Calls> {
    const reports = await Promise.all([...this.#running].map(({ child }) => this.#report(child)))
    const sum: Calls = { requests: {}, calls: {} }
    for (const { requests, calls } of reports) {
      // A request is served by one process.
      Object.assign(sum.requests, requests)
      for (const [name, count] of Object.entries(calls)) sum.calls[name] = (sum.calls[name] ?? 0) + count
    }
    return sum
  }

  status(): { number: number; pid: number | undefined; listening: boolean }[] {
    return [...this.#running].map(({ number, child, listening }) => ({ number, pid: child.pid, listening }))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const children = [...this.#running].map(({ child }) => child)
    await Promise.all(
      children.map((child) => {
        const gone = new Promise((ended) => child.once('exit', ended))
        child.kill('SIGKILL')
        return gone
      }),
    )
  }

  #listening(): Running[] {
    return [...this.#running].filter(({ listening }) => listening)
  }

  async #start(number: number): Promise<void> {
    const { server, environment, extra, log } = this.#settings
    const { imports = [], variables } = extra(number)
    const port = await freePort()
    if (this.#stopping) return
    const child = fork(server, {
      execArgv: [...imports, PRELOAD].flatMap((module) => ['--import', module]),
      // Nothing of the developer's own environment: the platform has none of it either.
      env: { ...environment, ...variables, WEBBIT_PORT: String(port), BATON_LOCAL_FAULTS: JSON.stringify(this.faults) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const running = { number, child, port, listening: false }
    this.#running.add(running)
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => log(`app ${number}: ${line}`))
    }
    child.once('exit', () => this.#gone(running))
    for (const until_ms = Date.now() + START_MS; this.#running.has(running); await pause(20)) {
      if (await accepts(port)) {
        running.listening = true
        this.#stillborn = 0
        return
      }
      if (Date.now() > until_ms) child.kill('SIGKILL')
    }
  }

  #gone(running: Running): void {
    const { log } = this.#settings
    this.#running.delete(running)
    if (this.#stopping) return
    this.ended += 1
    const { exitCode, signalCode } = running.child
    log(`app ${running.number} ended with ${signalCode ?? exitCode}`)
    if (!running.listening) this.#stillborn += 1
    if (this.#stillborn >= STILLBORN) {
      log(`app ${running.number} is not started again: none lives`)
      return
    }
    this.#start(running.number).catch((error: unknown) => log(`app ${running.number}: ${error}`))
  }

  #report(child: ChildProcess): Promise<Calls> {
    this.#reports += 1
    const id = this.#reports
    return new Promise((reported) => {
      const done = (calls: Calls) => {
        clearTimeout(patience)
        child.off('message', hear)
        reported(calls)
      }
      const hear = (message: FromProcess) => {
        if (message.type === 'calls' && message.id === id) done(message.calls)
      }
      const patience = setTimeout(() => done({ requests: {}, calls: {} }), REPORT_MS)
      child.on('message', hear)
      tell(child, { type: 'calls', id })
    })
  }
}

/** Who has just ended hears nothing. */
function tell(child: ChildProcess, message: ToProcess): void {
  if (child.connected) child.send(message, () => {})
}

function hashOf(text: string): number {
  let hash = 0
  for (const unit of text) hash = (hash * 31 + (unit.codePointAt(0) ?? 0)) >>> 0
  return hash
}
