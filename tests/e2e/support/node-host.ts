/**
 * Processes of the Node host on one store, as a test starts and ends them. Decides how; must not know what is tested.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TEST_KEYS } from '../server'
import type { Bot } from './bot'

const SERVER = resolve(import.meta.dirname, '../../../js-host/dist/node/server.mjs')
const SKEWED = pathToFileURL(resolve(import.meta.dirname, 'skewed-clock.mjs')).href
const START_MS = 120_000

/** One process. */
export class NodeProcess {
  readonly url: string
  readonly metrics: string
  readonly #child: ChildProcess
  readonly #printed: () => string

  private constructor(url: string, metrics: string, child: ChildProcess, printed: () => string) {
    this.url = url
    this.metrics = metrics
    this.#child = child
    this.#printed = printed
  }

  /**
   * `store` as the program takes it; `skew_ms`: how wrong its clock is; `on`: its port, where it takes the place of another.
   * @throws if it does not listen in time
   */
  static async start(
    store: string,
    variables: Record<string, string> = {},
    skew_ms = 0,
    on = '0',
  ): Promise<NodeProcess> {
    const limits = { BATON_RATE_USER: '0/0', BATON_RATE_ADDRESS: '0/0', BATON_RATE_GUEST: '0/0' }
    const program = ['--import', SKEWED, SERVER, '--store', store, '--port', on, '--metrics-port', '0']
    const child = spawn(process.execPath, program, {
      env: { PATH: process.env.PATH, BATON_KEYS: TEST_KEYS, SKEW_MS: String(skew_ms), ...limits, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)))
    for (const began_ms = Date.now(); Date.now() - began_ms < START_MS; ) {
      const [, port, metrics] = /"event":"listening","port":(\d+),"metrics_port":(\d+)/.exec(printed) ?? []
      if (port && metrics) {
        const origin = (at: string) => `http://127.0.0.1:${at}`
        return new NodeProcess(origin(port), `${origin(metrics)}/metrics`, child, () => printed)
      }
      if (child.exitCode !== null) break
      await new Promise((done) => setTimeout(done, 20))
    }
    child.kill('SIGKILL')
    throw new Error(`the Node host does not listen:\n${printed}`)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  log(): string {
    return this.#printed()
  }

  /** What it counts, by the name of the metric. */
  async count(name: string): Promise<number> {
    const [, value] = new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(this.metrics)).text()) ?? []
    return Number(value)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it; resolves with its exit code, null if the signal ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode
    const ended = new Promise<number | null>((done) => this.#child.once('exit', done))
    this.#child.kill(signal)
    // One that stands still hears nothing else.
    this.#child.kill('SIGCONT')
    return ended
  }
}

/** Several, behind a front that asks one after the other. */
export class NodeFleet {
  readonly processes: NodeProcess[] = []
  readonly #store: string
  readonly #variables: Record<string, string>
  readonly #skews_ms: number[]
  #started = 0
  #turn = 0

  private constructor(store: string, variables: Record<string, string>, skews_ms: number[]) {
    this.#store = store
    this.#variables = variables
    this.#skews_ms = skews_ms
  }

  /** `skews_ms`: how wrong their clocks are, in turn. */
  static async start(
    count: number,
    store: string,
    variables: Record<string, string> = {},
    skews_ms = [0],
  ): Promise<NodeFleet> {
    const fleet = new NodeFleet(store, variables, skews_ms)
    await Promise.all(Array.from({ length: count }, () => fleet.add()))
    return fleet
  }

  get url(): string {
    return this.processes[0]?.url ?? ''
  }

  /** Starts one more. `store`: another way to the same. */
  async add(store = this.#store): Promise<NodeProcess> {
    const skew_ms = this.#skews_ms[this.#started % this.#skews_ms.length]
    this.#started += 1
    const process = await NodeProcess.start(store, this.#variables, skew_ms)
    this.processes.push(process)
    return process
  }

  /** Takes one out of the front, the oldest if none is named. */
  take(process = this.processes[0]): NodeProcess {
    const at = process ? this.processes.indexOf(process) : -1
    if (!process || at < 0) throw new Error('there is none')
    this.processes.splice(at, 1)
    return process
  }

  /** Sends a request to whose turn it is, whatever origin it names. */
  readonly send: Bot['send'] = (url, init) => {
    this.#turn += 1
    const { pathname } = new URL(url)
    const process = this.processes[this.#turn % this.processes.length]
    return fetch(`${process?.url}${pathname}`, init)
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.end('SIGKILL')))
  }
}
