/**
 * What is said, in words: phases, connection, refusals, events, the end. Decides the words; must not
 * know where on the page they stand.
 */

import type { Hud, RejectCode, Score, Told, View } from '../game'
import type { Status } from '../room'

const BANNERS: Record<Status, string> = {
  live: '',
  joining: 'Joining…',
  reconnecting: 'Reconnecting… what you see is a guess.',
  stalled: 'Stalled: no word from the room. What you see stands still.',
  refused: 'The room refuses you.',
  desync: 'Out of sync: this page and the room disagree. Reload the page.',
  reload: 'There is a newer version. Reload the page.',
  waiting: 'This room is about to be updated…',
  halted: 'This room broke and stands still until it is mended.',
}
const REFUSALS: Record<string, string> = {
  device_limit: 'Too many tabs or devices in this room. Close one, then wait a little.',
  forbidden: 'You may not play in this room.',
  not_found: 'There is no such room.',
  bad_name: 'There cannot be a room of this name.',
  corrupt: 'This room is broken and needs repair.',
}

/** How the connection is; empty if there is nothing to say. */
export function bannerOf(status: Status, refusal: string | null): string {
  return status === 'refused' ? (REFUSALS[refusal ?? ''] ?? BANNERS.refused) : BANNERS[status]
}

/** What the phase is called; the clock beside it counts down to what comes next. */
export function phaseOf(phase: Hud['phase']): string {
  return { idle: 'Waiting', countdown: 'Starts in', playing: 'Rescue in', over: 'Next match' }[phase]
}

/** Minutes and seconds, rounded up: 0 is when it happens. */
export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

export function seconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}

/** 1st, 2nd, 3rd, 4th, …, 11th, …, 21st. */
export function ordinal(place: number): string {
  const teen = place % 100 >= 11 && place % 100 <= 13
  return `${place}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th')}`
}

/** Names by number: those who are here, as far as they have one. */
export function namesOf({ here }: View): Map<number, string> {
  return new Map(here.map(({ player, name }) => [player, name ?? `Player ${player}`]))
}

/** A name, or the number of who has left. */
export function nameOf(names: ReadonlyMap<number, string>, player: number): string {
  return names.get(player) ?? `Player ${player}`
}

/** What happened, from where `me` stands. */
export function toldOf({ what, who, by }: Told, me: number | null, name: (player: number) => string): string {
  const subject = who === me ? 'You' : name(who)
  const was = who === me ? 'were' : 'was'
  const agent = by === null ? 'a zombie' : by === me ? 'you' : name(by)
  switch (what) {
    case 'bitten':
      return `${subject} ${was} bitten by ${agent}`
    case 'turned':
      return `${subject} turned`
    case 'cured':
      return by === who || by === null ? `${subject} ${was} cured` : `${subject} ${was} cured by ${agent}`
    case 'felled':
      return `${subject} ${was} struck down by ${agent}`
  }
}

export const ROLES: Record<Score['role'], string> = { survivor: 'Survivor', infected: 'Infected', turned: 'Turned' }

/** Why medkit or lure did not work; empty if the player can see that. */
export function whyNot(act: 'strike' | 'heal' | 'lure', code: RejectCode): string {
  if (code === 'empty') return act === 'heal' ? 'You carry no medkit.' : 'You carry no lure.'
  if (code === 'no_use') return 'Nobody within reach needs a medkit.'
  if (code === 'turned') return 'The turned cannot do that: hunt the survivors.'
  return ''
}

/** How a match ended: in large, and in a line. */
export function endOf({ last }: Hud): [string, string] {
  if (!last) return ['The match is over', '']
  const { winner, survivors, players, played_ms } = last
  if (winner === 'survivors') return ['Survivors win', `Rescue came for ${survivors} of ${players}.`]
  return ['The contagion wins', `Nobody was left after ${clock(played_ms)}.`]
}

/** Our own place in the match; empty for who was not in it. Equal points share a place. */
export function placeOf({ scores }: Hud, me: number | null): string {
  const own = scores.find(({ player }) => player === me)
  if (!own) return ''
  const place = 1 + scores.filter(({ score }) => score > own.score).length
  return `You came ${ordinal(place)} of ${scores.length}, with ${own.score} points.`
}
