/**
 * The Node host for a developer: `node fleet.ts <port> <instances>`. One process keeps its rooms in memory; several share
 * a Redis of their own, which is gone afterwards, behind a front that asks one after the other. Ends all of them when it
 * is ended, or when one of them ends. Decides nothing about the game.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as ask, createServer } from 'node:http'
import { connect, createServer as listener } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const SERVER = join(import.meta.dirname, '../dist/node/server.mjs')
const SECRETS = join(import.meta.dirname, '../../.dev.vars')
/** How long a process may take to listen, in milliseconds. */
const START_MS = 20_000

const [port = 8787, instances = 1] = process.argv.slice(2).map(Number)
const children: ChildProcess[] = []
const scratch = mkdtempSync(join(tmpdir(), 'baton-dev-'))

function end(code: number): void {
  for (const child of children) child.kill()
  rmSync(scratch, { recursive: true, force: true })
  process.exit(code)
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(0))

function run(name: string, program: string, args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  child.once('error', () => {
    console.error(`${name} cannot be started`)
    end(1)
  })
  child.once('exit', (code) => {
    console.error(`${name} ended with ${code}`)
    end(1)
  })
  return child
}

async function freePort(): Promise<number> {
  const server = listener()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  return typeof address === 'object' && address ? address.port : 0
}

/** A Redis that keeps nothing. */
async function redis(): Promise<string> {
  const on = await freePort()
  const usual = ['--port', String(on), '--bind', '127.0.0.1', '--dir', scratch, '--save', '', '--loglevel', 'warning']
  run('redis-server', process.env.BATON_REDIS ?? 'redis-server', usual).stdout?.resume()
  for (const until_ms = Date.now() + START_MS; Date.now() < until_ms; await pause(50)) {
    const socket = connect(on, '127.0.0.1')
    const open = await new Promise<boolean>((tried) => {
      socket.once('connect', () => tried(true))
      socket.once('error', () => tried(false))
    })
    socket.destroy()
    if (open) return `redis://127.0.0.1:${on}`
  }
  throw new Error('redis-server does not listen')
}

/** Starts a process of the host. Returns where it listens. */
function host(name: string, store: string, on: number): Promise<number> {
  const child = run(name, process.execPath, [
    `--env-file=${SECRETS}`,
    ...[SERVER, '--store', store, '--port', String(on)],
  ])
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  return new Promise((listening) => {
    lines.on('line', (line) => {
      const [, at] = /"event":"listening","port":(\d+)/.exec(line) ?? []
      if (at) listening(Number(at))
      else console.info(`${name} ${line}`)
    })
  })
}

/** Hands each request on to whose turn it is. */
function front(hosts: number[]): Promise<void> {
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    turn += 1
    const { method, url, headers } = incoming
    const onward = ask(
      { host: '127.0.0.1', port: hosts[turn % hosts.length], method, path: url, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  return new Promise((listening) => server.listen(port, '127.0.0.1', listening))
}

if (instances === 1) {
  await host('node', 'memory', port)
} else {
  const store = await redis()
  const names = Array.from({ length: instances }, (_, at) => `node ${at + 1}`)
  await front(await Promise.all(names.map((name) => host(name, store, 0))))
}
console.info(JSON.stringify({ event: 'ready', port }))
