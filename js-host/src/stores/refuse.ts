/** What every store refuses for its size, so that no store's own limit is met by surprise. */

import type { Append, Note } from '../effect'
import {
  FRAME_ENVELOPE_BYTES,
  MAX_ATTEMPT_BYTES,
  MAX_FRAME_BYTES,
  MAX_INBOX_BYTES,
  MAX_INBOX_ITEMS,
  MAX_REQUEST_BYTES,
  MAX_SNAPSHOT_BYTES,
} from '../limits'
import { StoreLimit } from '../store'

/** @throws StoreLimit if a part of the append is over its cap. Nothing changed. */
export function refuseOversized(append: Append): void {
  if (append.frame.length > MAX_FRAME_BYTES + FRAME_ENVELOPE_BYTES) throw new StoreLimit('a frame is too large')
  if ((append.snapshot?.length ?? 0) > MAX_SNAPSHOT_BYTES) throw new StoreLimit('a snapshot is too large')
  if (append.framed.length > MAX_INBOX_ITEMS) throw new StoreLimit('more items are framed than an inbox holds')
  if (append.note) refuseLongNote(append.note)
}

/** @throws StoreLimit if the attempt record is over its cap. Nothing changed. */
export function refuseLongNote({ now }: Note): void {
  if ((now?.length ?? 0) > MAX_ATTEMPT_BYTES) throw new StoreLimit('a record is too large')
}

/** Whether an inbox that holds so much has room for all of these. @throws StoreLimit for an item that never fits. */
export function hasRoom(held: { items: number; bytes: number }, more: Uint8Array[]): boolean {
  let bytes = held.bytes
  for (const item of more) {
    // An item is a part of one request, with the identity of its sender beside it.
    if (item.length > MAX_REQUEST_BYTES + 1024) throw new StoreLimit('an item is too large')
    bytes += item.length
  }
  return held.items + more.length <= MAX_INBOX_ITEMS && bytes <= MAX_INBOX_BYTES
}
