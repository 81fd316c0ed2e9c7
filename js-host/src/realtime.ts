/**
 * What a room's frames are called where a platform hands out messages by the name of a channel (Devvit), and what such a
 * message is. The same for the server that sends and the page that listens. Must not know what is in a frame.
 */

/** A message: base64 of what is published of frames, in order. */
export interface Published {
  frames: string[]
}

/**
 * The channel of a room, `kind/name`. Channels are matched by their end, and take letters, digits and `_` only: names of
 * one length cannot end in each other, and a hash says nothing of a name.
 */
export async function channelOf(room: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(room))
  const hex = Array.from(new Uint8Array(hash).subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `room_${hex}`
}

/** The frames of a message, which came from outside; none if it is of something else. */
export function framesOf(message: unknown): string[] {
  const frames = typeof message === 'object' && message !== null && 'frames' in message ? message.frames : []
  return Array.isArray(frames) ? frames.filter((each) => typeof each === 'string') : []
}
