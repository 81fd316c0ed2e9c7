/**
 * A real `wrangler dev` per test file: the top-level wrangler.toml on a free port, with storage and
 * keys of its own. Decides how it is started and ended; must not know what is tested.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../../js-host/devvit/local/free-port.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const JS_HOST = join(ROOT, 'js-host')
const START_MS = 120_000
/** The program, for a Node that is new enough. */
export const WRANGLER = join(JS_HOST, 'node_modules/wrangler/bin/wrangler.js')
/** The signing key of all test servers: a token of one is good on the next. */
export const TEST_KEYS = `test:${'dGVzdA'.padEnd(43, 'A')}`

/**
 * Servers that only tests have, see `crates/server`: with rules that break, later versions of accounts' and gardens; with
 * accounts that are paid their rewards twice, and the version that mends it.
 */
export type Build = 'altered' | 'doubled'

/** What a test may set. */
export interface ServerOptions {
  mode: 'embedded' | 'stateless'
  /** Variables beside the mode, as in wrangler.toml's `[vars]`. */
  variables?: Record<string, string>
  /** Another Worker than the product's, for a store alone. Relative to the top of the work tree. */
  main?: string
  /** Another configuration than the top-level one. Relative to the top of the work tree. */
  file?: string
  /** Another page than `js-host/dist/page`. Relative to the top of the work tree. */
  page?: string
  /** Another wasm of the server than what ships. */
  build?: Build | undefined
  /** Where the objects are kept; a new directory if it is left out. */
  storage?: string
}

/** A running server. */
export interface Server {
  /** Without a slash at the end. */
  url: string
  /** What it has printed. */
  log(): string
  /** Where the objects are kept. */
  storage: string
  /** Ends it. The storage is removed, unless the caller named it. */
  stop(): Promise<void>
}

/** Starts a server and waits until it answers. */
export async function startServer({
  mode,
  variables = {},
  file,
  main,
  page,
  build,
  storage,
}: ServerOptions): Promise<Server> {
  const scratch = mkdtempSync(join(tmpdir(), 'baton-e2e-'))
  const kept = storage ?? join(scratch, 'storage')
  const port = await freePort()
  const config = configure(scratch, file, main, page)
  const limits = { BATON_RATE_USER: '0/0', BATON_RATE_ADDRESS: '0/0', BATON_RATE_GUEST: '0/0' }
  const all = { BATON_MODE: mode, BATON_KEYS: TEST_KEYS, ...limits, ...variables }
  writeFileSync(
    join(scratch, '.dev.vars'),
    Object.entries(all)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
  )
  const child = spawn(
    process.execPath,
    [
      WRANGLER,
      'dev',
      ...['--config', config, '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
      ...['--persist-to', kept],
    ],
    {
      cwd: scratch,
      // A group of its own, so that it can be ended with all its children.
      detached: true,
      env: {
        ...process.env,
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_SEND_ERROR_REPORTS: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        CI: 'true',
        // What the project's imports mean; wrangler's own conditions follow.
        ...(build ? { WRANGLER_BUILD_CONDITIONS: `${build},workerd,worker,browser` } : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)))
  const stop = async () => {
    await end(child)
    rmSync(scratch, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await answering(url, child, () => printed)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, log: () => printed, storage: kept, stop }
}

/** Writes a configuration into a directory, without its build: whoever runs the tests has built. Returns its path. */
export function configure(
  directory: string,
  file = 'wrangler.toml',
  main = 'js-host/src/hosts/workers.ts',
  page = 'js-host/dist/page',
): string {
  const text = readFileSync(join(ROOT, file), 'utf8')
    .replace(/^\[build\]\n(?:(?!\[).*\n)*/m, '')
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(ROOT, main))}`)
    .replace(/^directory = .*$/m, `directory = ${JSON.stringify(join(ROOT, page))}`)
  const path = join(directory, 'wrangler.toml')
  writeFileSync(path, text)
  return path
}

async function answering(url: string, child: ChildProcess, printed: () => string): Promise<void> {
  for (const began_ms = Date.now(); Date.now() - began_ms < START_MS; ) {
    if (child.exitCode !== null) throw new Error(`wrangler ended:\n${printed()}`)
    const answer = await fetch(`${url}/api/health`).catch(() => null)
    // Before it is ready, another of its listeners might answer.
    if (answer && printed().includes('Ready on http')) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`wrangler does not answer:\n${printed()}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid ?? 0), name)
    } catch {
      // Gone already.
    }
  }
  signal('SIGTERM')
  const late = setTimeout(() => signal('SIGKILL'), 5000)
  await gone
  clearTimeout(late)
  // workerd may outlive wrangler by a moment.
  signal('SIGKILL')
}
