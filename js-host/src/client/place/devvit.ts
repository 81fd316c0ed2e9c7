/**
 * The page in a post on Reddit: the post is the room, frames come as messages of the platform, and who plays is whom the
 * platform has logged in.
 */

import { type Context, context, showLoginPrompt, showShareSheet } from '@devvit/client'
import { connectRealtime, disconnectRealtime } from '@devvit/realtime/client'
import { fromBase64 } from '../../base64'
import { channelOf, framesOf } from '../../realtime'
import type { Way } from '../line'
import type { Place } from './place'

/** A subscription that nobody has confirmed for so long, in milliseconds, is asked for again. */
const SUBSCRIBE_MS = 15_000

/** Messages of a channel. They may be lost, come twice and in any order: the replica asks for what is missing. */
export const openRealtime: Way = (room, _session, events) => {
  let channel: string | null = null
  let opened = false
  let over = false
  const open = () => {
    if (over || opened) return
    opened = true
    clearTimeout(unconfirmed)
    events.open()
  }
  const close = () => {
    over = true
    clearTimeout(unconfirmed)
    // Always: the platform's client keeps a connection that was lost, and would hand it out again with our old listeners.
    if (channel !== null) disconnectRealtime(channel)
  }
  const lose = () => {
    if (over) return
    close()
    events.lost()
  }
  const unconfirmed = setTimeout(lose, SUBSCRIBE_MS)
  const subscribe = async () => {
    const name = await channelOf(`contagion/${room}`)
    if (over) return
    channel = name
    connectRealtime({
      channel,
      onConnect: open,
      onDisconnect: lose,
      onMessage: (message) => {
        // It comes, whether or not the platform has said that it would.
        open()
        for (const bytes of framesOf(message).map(bytesOf)) if (!over && bytes) events.frame(bytes)
      },
    })
  }
  subscribe().catch(lose)
  return close
}

/** Null for what is no frame by its looks: the replica would take it for one of a later version of the game. */
function bytesOf(text: string): Uint8Array | null {
  try {
    return text === '' ? null : fromBase64(text)
  } catch {
    return null
  }
}

export const place: Place = {
  // The types promise a context; a page outside of a post has none.
  room: () => (context as Context | undefined)?.postId ?? null,
  begins: () => 'plays',
  // Without network there is no Reddit around the page.
  alone: false,
  keep: () => {},
  ways: [openRealtime],
  login: showLoginPrompt,
  shares: 'Share',
  async share() {
    await showShareSheet({ title: 'Contagion' })
    return false
  },
}
