/**
 * Company for a lone developer, and load for tests: bots that play in a room over HTTP, as pages do.
 * `node company.ts <origin> <room> <count>`; they leave and this ends when it is asked to (SIGTERM,
 * Ctrl-C), or when the server is gone. Decides when a bot is asked what it wants; must not know
 * what it wants, which the wasm decides (`cargo xtask build --bots`).
 */

import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type * as face from '../dist/wasm/client/baton_client'

/** The replica with bots in it. */
type BotReplica = face.Replica & { botMove(skill: number, now_ms: number): number }

const WASM = new URL('../dist/wasm/client-bots/', import.meta.url)
const BATON_TYPE = 'application/vnd.baton'
/** Bots at once, at most: each of them asks several times a second. */
const MOST = 48
const SKILLS = 3
const TICK_MS = 100
const TIMEOUT_MS = 12_000
/** Who does not answer for this long is gone, in milliseconds. */
const GONE_MS = 20_000
/** From one try for a session to the next, in milliseconds. */
const AGAIN_MS = 1_000

const ending = new AbortController()
let heard_ms = performance.now()

/** One player: a device of a guest. */
class Companion {
  readonly #room: string
  readonly #token: string
  readonly #replica: BotReplica
  readonly #skill: number

  constructor(room: string, token: string, replica: BotReplica, skill: number) {
    this.#room = room
    this.#token = token
    this.#replica = replica
    this.#skill = skill
  }

  /** Plays until it is time to end, then leaves. */
  async play(): Promise<void> {
    await Promise.all([this.#move(), this.#ask()])
    await this.#send(this.#replica.leave(performance.now()))
  }

  async #move(): Promise<void> {
    while (!ending.signal.aborted) {
      this.#replica.botMove(this.#skill, performance.now())
      await pause(TICK_MS)
    }
  }

  async #ask(): Promise<void> {
    while (!ending.signal.aborted) {
      const now = performance.now()
      const due_ms = this.#replica.askAt(false, now)
      if (now >= due_ms) await this.#send(this.#replica.request(false, now))
      else await pause(Math.min(due_ms - now, TICK_MS / 2))
      if (this.#replica.status(performance.now()) === 'desync')
        throw new Error(`a bot's rules differ: ${this.#replica.desync()}`)
    }
  }

  async #send(body: Uint8Array): Promise<void> {
    const sent_ms = performance.now()
    const answer = await fetch(this.#room, {
      method: 'POST',
      headers: { 'content-type': BATON_TYPE, authorization: `Bearer ${this.#token}` },
      body: body as Uint8Array<ArrayBuffer>,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => null)
    const bytes = answer?.ok ? await answer.arrayBuffer().catch(() => null) : null
    const now = performance.now()
    if (answer) heard_ms = now
    if (bytes) this.#replica.receive(new Uint8Array(bytes), sent_ms, now)
    else {
      const refusal = (await answer?.json().catch(() => null)) as
        | { code?: string; expected?: number }
        | null
        | undefined
      this.#replica.refused(refusal?.code, refusal?.expected, now)
    }
    this.#replica.notes()
  }
}

/** A new guest; tried again until there is one, or it is time to end. */
async function guest(origin: string): Promise<{ token: string; user: string } | null> {
  while (!ending.signal.aborted) {
    const answer = await fetch(`${origin}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => null)
    if (answer) heard_ms = performance.now()
    if (answer?.ok) return (await answer.json()) as { token: string; user: string }
    await pause(AGAIN_MS)
  }
  return null
}

async function join(origin: string, room: string, module: WebAssembly.Module, index: number): Promise<void> {
  const session = await guest(origin)
  if (!session) return
  const { instantiate } = (await import(new URL('baton_client.js', WASM).href)) as typeof face
  // An instance each: a trap of one is no other's.
  const wasm = instantiate(module)
  const replica = new wasm.Replica(session.user, wasm.newDevice()) as BotReplica
  await new Companion(`${origin}/api/rooms/contagion/${room}`, session.token, replica, index % SKILLS).play()
}

const [origin, room, wanted] = process.argv.slice(2)
const count = Number(wanted)
if (!origin || !room || !Number.isInteger(count) || count < 1 || count > MOST) {
  console.error(`node company.ts <origin> <room> <1 to ${MOST}>`)
  process.exit(2)
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort())
const watch = setInterval(() => {
  if (performance.now() - heard_ms > GONE_MS) ending.abort()
}, AGAIN_MS)
const module = new WebAssembly.Module(readFileSync(new URL('baton_client_bg.wasm', WASM)))
const all = Array.from({ length: count }, (_, index) => join(origin, room, module, index))
try {
  await Promise.all(all)
} finally {
  // One that failed takes the others along.
  ending.abort()
  clearInterval(watch)
}
