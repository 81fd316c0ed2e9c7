/**
 * One request of the client's wasm and what comes of it, without a page. Decides what is told to the wasm when there is no
 * answer; must not know what is asked.
 */

import { BATON_TYPE, type Session } from '../device'

export type Send = (url: string, init: RequestInit) => Promise<Response>

/** What takes in answers. */
interface Takes {
  receive(reply: Uint8Array, sent_ms: number, now_ms: number): boolean
  refused(code: string | undefined, expected: number | undefined, now_ms: number): void
}

/** Sends a request of a replica to its room, and has it take in the answer, or that there is none. */
export async function exchange(
  replica: Takes,
  body: Uint8Array,
  { url, session, send, clock }: { url: string; session: Session; send: Send; clock?: () => number },
): Promise<void> {
  const now = clock ?? (() => performance.now())
  const sent_ms = now()
  const headers = { 'content-type': BATON_TYPE, authorization: `Bearer ${session.token}` }
  const answer = await send(url, { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> }).catch(() => null)
  const bytes = answer?.ok ? await answer.arrayBuffer().catch(() => null) : null
  if (bytes) {
    replica.receive(new Uint8Array(bytes), sent_ms, now())
    return
  }
  const refusal = (await answer?.json().catch(() => null)) as { code?: string; expected?: number } | null
  replica.refused(refusal?.code, refusal?.expected, now())
}
