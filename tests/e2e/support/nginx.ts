/**
 * A real nginx before a host, with `nginx.conf` beside this file: on a free port of loopback, with everything it writes in
 * a directory that goes with it. Ended by the process that was started.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../js-host/devvit/local/free-port.ts'

const START_MS = 20_000

export class Nginx {
  readonly port: number
  readonly url: string
  readonly #process: ChildProcess
  readonly #directory: string

  private constructor(port: number, process: ChildProcess, directory: string) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#process = process
    this.#directory = directory
  }

  /** One before a host at `origin`, a URL of loopback. */
  static async start(origin: string): Promise<Nginx> {
    const port = await freePort()
    const directory = mkdtempSync(join(tmpdir(), 'baton-nginx-'))
    // Started by root its workers are somebody else.
    chmodSync(directory, 0o755)
    const config = join(directory, 'nginx.conf')
    const words: Record<string, string> = { port: String(port), origin: new URL(origin).port, directory }
    const text = readFileSync(join(import.meta.dirname, 'nginx.conf'), 'utf8')
    writeFileSync(
      config,
      text.replace(/\{(\w+)\}/g, (all, word: string) => words[word] ?? all),
    )
    const process = spawn('nginx', ['-c', config, '-p', directory, '-e', 'stderr'], {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let printed = ''
    process.stderr?.on('data', (chunk) => (printed += String(chunk)))
    process.on('error', (error) => (printed += error.message))
    const nginx = new Nginx(port, process, directory)
    for (const began_ms = Date.now(); Date.now() - began_ms < START_MS; await sleep(30)) {
      if (process.pid === undefined || process.exitCode !== null) break
      if ((await fetch(`${nginx.url}/api/health`).catch(() => null))?.ok) return nginx
    }
    await nginx.stop()
    throw new Error(`nginx does not answer:\n${printed}`)
  }

  async stop(): Promise<void> {
    if (this.#process.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((done) => this.#process.once('exit', done))
      this.#process.kill('SIGTERM')
      await ended
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
