/**
 * The page on the web: the room is in the address, frames come by a socket or by a stream, and everybody may be a guest.
 */

import { fromBase64 } from '../../base64'
import { roomUrl, type Way } from '../line'
import type { Place } from './place'

/** The room of a page without `?room=`. */
const LOBBY = 'lobby'
const LIVE_PROTOCOL = 'baton.v1'
const EVENTS_TYPE = 'text/event-stream'
/** A stream that says nothing for so long is lost: its host says every 15 s that it lives. */
const SILENCE_MS = 40_000

const openSocket: Way = (room, { token }, events) => {
  const url = new URL(`${roomUrl(room)}/live`, document.baseURI)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.search = ''
  const socket = new WebSocket(url, [LIVE_PROTOCOL, token])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => events.open()
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) events.frame(new Uint8Array(data))
  }
  // An error is always followed by this.
  socket.onclose = () => events.lost()
  return () => socket.close(1000)
}

/** Server-sent events by `fetch`: an EventSource could not send the token in a header. */
const openStream: Way = (room, { token }, events) => {
  const stop = new AbortController()
  const read = async () => {
    const headers = { accept: EVENTS_TYPE, authorization: `Bearer ${token}` }
    const response = await fetch(`${roomUrl(room)}/live`, { headers, signal: stop.signal })
    if (!response.ok || !response.headers.get('content-type')?.startsWith(EVENTS_TYPE) || !response.body) return
    let silence = setTimeout(() => stop.abort(), SILENCE_MS)
    let rest = ''
    try {
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        clearTimeout(silence)
        silence = setTimeout(() => stop.abort(), SILENCE_MS)
        const lines = (rest + part).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (line.startsWith('data: ')) events.frame(fromBase64(line.slice(6)))
          else if (line === ': open') events.open()
        }
      }
    } finally {
      clearTimeout(silence)
    }
  }
  read()
    .catch(() => undefined)
    .finally(() => events.lost())
  return () => stop.abort()
}

export const place: Place = {
  room: () => new URLSearchParams(location.search).get('room') ?? LOBBY,
  begins: () => {
    const query = new URLSearchParams(location.search)
    if (query.has('alone')) return 'alone'
    return query.has('watch') ? 'watches' : query.has('play') ? 'plays' : 'asks'
  },
  alone: true,
  keep() {
    // In development there is no worker; and where workers are refused, there is just no page without network.
    if (import.meta.env.PROD) navigator.serviceWorker?.register('./sw.js', { scope: './' }).catch(() => undefined)
  },
  // A socket where the host has them, else a stream of events.
  ways: [openSocket, openStream],
  login: null,
  shares: 'Copy link',
  async share(room) {
    const link = new URL(location.href)
    link.search = new URLSearchParams({ room }).toString()
    link.hash = ''
    try {
      await navigator.clipboard.writeText(link.href)
      return true
    } catch {
      // Not allowed here: the address can be copied by hand.
      prompt('The link of this room:', link.href)
      return false
    }
  },
}
