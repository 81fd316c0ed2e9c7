/**
 * An order, from its first copy to the end: what a server does for somebody who waits for it. Decides when the same bytes go
 * again, and when it is certain what became of them. Must not know what is ordered, or what is in the bytes.
 */

import type { Answer } from './line'

/** What a host said of an order, as the rules' side reads it: see `AccountReplica.ordered`. */
export type Said = 'done' | { refused: number } | { ask_ms: number } | { mark: number }

/** How an order ended. */
export type OrderEnd =
  | 'done'
  /** The rules' code. */
  | { refused: number }
  /** It was not done, and no copy of it will be: why. */
  | { failed: string }
  /** It may have been done: what it is about will show it. */
  | 'unknown'

/** What an order needs. */
export interface OrderPorts {
  /** The bytes under a number; null if there is nobody to order for. */
  bytes(number: number): Uint8Array | null
  /** Never throws. */
  send(bytes: Uint8Array): Promise<Answer>
  /** Reads an answer; null if it makes no sense. */
  read(answer: Uint8Array): Said | null
  /** Whether nobody waits any more. */
  stopped(): boolean
}

/** An order is given up after this, in milliseconds. */
const PATIENCE_MS = 30_000
/** Pauses after failures, in milliseconds: doubled from the first to the last. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [300, 4_000]
/** Nothing changed, and soon it may go. */
const PASSING = new Set(['busy', 'rules', 'rate_limited', 'misconfigured'])
/** Nothing changed, and nothing will. Of every other code, whoever says it, neither is certain. */
const FINAL = new Set([
  ...['unauthorized', 'forbidden', 'not_found', 'unregistered', 'evicted', 'halted'],
  ...['malformed', 'too_large', 'protocol', 'media_type', 'bad_name', 'origin', 'method_not_allowed'],
])

/** Has something done once, or not at all. `number`: above that of every order before, as far as is known. */
export async function carry(ports: OrderPorts, number: number): Promise<OrderEnd> {
  const until_ms = performance.now() + PATIENCE_MS
  let bytes = ports.bytes(number)
  if (!bytes) return { failed: 'joining' }
  /** A copy of it may be on its way. */
  let open = false
  let renumbered = false
  let pause_ms = FIRST_PAUSE_MS
  for (;;) {
    const answer = await ports.send(bytes)
    const said = answer.tag === 'reply' ? ports.read(answer.bytes) : null
    if (said === 'done') return said
    if (said && 'refused' in said) return said
    if (said && 'mark' in said) {
      // Of an order before this page, or of another tab: what is open under this number is not ours alone.
      if (open) return 'unknown'
      bytes = renumbered ? null : ports.bytes(said.mark + 1)
      if (!bytes) return { failed: 'other' }
      renumbered = true
      continue
    }
    const code = answer.tag === 'refused' ? answer.code : null
    if (code !== null && FINAL.has(code)) return open ? 'unknown' : { failed: code }
    open ||= code === null || !PASSING.has(code)
    const waits_ms = said ? said.ask_ms : pause_ms * (0.5 + Math.random())
    if (!said) pause_ms = Math.min(2 * pause_ms, LAST_PAUSE_MS)
    if (ports.stopped() || performance.now() + waits_ms > until_ms)
      return open ? 'unknown' : { failed: code ?? 'offline' }
    await new Promise((next) => setTimeout(next, waits_ms))
  }
}
