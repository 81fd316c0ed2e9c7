/**
 * How a room is removed from a store of single keys, when what its players said must no longer be there: by the names of
 * its keys, which `crates/baton/src/slots/layout.rs` gives. What is left are texts of one character where a process that
 * still has the room warm would write: it fails there. Must not know how the store is reached.
 */

import type { KeyCall, Keys } from './slots'

/** A text in the place of a hash, as of a segment that was trimmed. */
const TOMBSTONE = '-'
/** Calls at once. */
const TOGETHER = 32
/** As long as whoever had just appended still keeps a snapshot, an archive and a hint, in milliseconds. */
export const SETTLES_MS = 2_000

/**
 * Removes a room, `kind/name`; one that never was stays so. Whoever is interrupted begins anew: segments go from the last
 * to the first, by which the others are found. @throws if an outcome is unknown
 */
export async function removeRoom(keys: Keys, room: string): Promise<void> {
  const key = (part: string) => `{${room}}:${part}`
  const bury = (part: string) => perform({ tag: 'set', ...grave(key(part)) })
  const perform = async (call: KeyCall) => {
    const answer = await keys.perform(call)
    if (answer.tag === 'failed') throw new Error('the outcome is unknown')
    return answer
  }
  const there = async (segment: number) => {
    const answer = await perform({ tag: 'field_count', key: key(`log:${segment}`) })
    return answer.tag !== 'length' || answer.length > 0
  }

  // What is done is marked where a room has its hint, of which nothing has to be true.
  const mark = await perform({ tag: 'start', key: key('hint'), bytes: 2 })
  if (mark.tag === 'text' && mark.text === TOMBSTONE) return
  let end = 0
  for (let all = true; all; ) {
    const found = await Promise.all(Array.from({ length: TOGETHER }, (_, at) => there(end + at)))
    const absent = found.indexOf(false)
    end += absent < 0 ? TOGETHER : absent
    all = absent < 0
  }
  if (end === 0) return
  const kept = new Set([0, end - 1, end])
  // From here on nobody appends.
  await Promise.all(['inbox', `log:${end - 1}`, `log:${end}`].map(bury))
  await new Promise((settled) => setTimeout(settled, SETTLES_MS))
  for (let upto = end; upto >= 0; upto -= TOGETHER) {
    const segments = Array.from({ length: Math.min(TOGETHER, upto + 1) }, (_, at) => upto - at)
    const logs = segments.filter((segment) => !kept.has(segment)).map((segment) => key(`log:${segment}`))
    await perform({ tag: 'delete', keys: [...segments.map((number) => key(`snapshot:${number}`)), ...logs] })
  }
  await bury('log:0')
  await perform({ tag: 'delete', keys: [key('lease')] })
  await bury('hint')
}

function grave(key: string) {
  return { key, value: TOMBSTONE, absent_only: false, expire_seconds: null }
}
