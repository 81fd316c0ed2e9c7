/**
 * What is shown beside the field: time, phase, health, who is here, and what is wrong. Decides the
 * words; must not know where they come from. Names are text, never markup.
 */

import { KIND, type Measures, SPRITE, type View } from './game'
import type { Look, Status } from './room'

/** A part of the page, which must be there. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page lacks #${id}`)
  return found as T
}

const BANNERS: Record<Status, string> = {
  live: '',
  joining: 'Joining…',
  reconnecting: 'Reconnecting… what you see is a guess.',
  stalled: 'Stalled: no word from the room. What you see stands still.',
  refused: 'The room refuses you.',
  desync: 'Out of sync: this page and the room disagree. Reload the page.',
  reload: 'There is a newer version. Reload the page.',
}
const REFUSALS: Record<string, string> = {
  device_limit: 'Too many tabs or devices in this room. Close one, then wait a little.',
  forbidden: 'You may not play in this room.',
  not_found: 'There is no such room.',
  bad_name: 'There cannot be a room of this name.',
  corrupt: 'This room is broken and needs repair.',
}
/** Names that are listed; the rest is counted. */
const LISTED = 12

/** The words around the field. */
export class HudView {
  readonly #measures: Measures
  readonly #phase = part('phase')
  readonly #time = part('time')
  readonly #big = part('big')
  readonly #bigNote = part('big-note')
  readonly #health = part<HTMLMeterElement>('health')
  readonly #healthText = part('health-text')
  readonly #alive = part('alive')
  readonly #zombies = part('zombies')
  readonly #here = part('here')
  readonly #hereCount = part('here-count')
  readonly #banner = part('banner')
  readonly #reload = part('reload')
  readonly #report = part('report')
  #listed = ''

  constructor(measures: Measures) {
    this.#measures = measures
  }

  /** How it goes. */
  status(status: Status, refusal: string | null): void {
    const text = status === 'refused' ? (REFUSALS[refusal ?? ''] ?? BANNERS.refused) : BANNERS[status]
    put(this.#banner, text)
    this.#reload.hidden = status !== 'desync' && status !== 'reload'
    this.#report.hidden = status !== 'desync'
    document.body.dataset.status = status
  }

  /** The room at a tick. */
  show(look: Look): void {
    const { view } = look
    if (!view) return
    const { hud } = view
    const health = this.#healthOf(look, view)
    document.body.dataset.phase = hud.phase
    put(this.#phase, phaseOf(view))
    put(this.#time, hud.phase === 'playing' ? clock(hud.ms_left) : '')
    put(this.#alive, `${hud.survivors}/${hud.players}`)
    put(this.#zombies, String(hud.zombies))
    put(this.#healthText, health === null ? '–' : health > 0 ? String(health) : 'out')
    this.#health.max = this.#measures.health
    this.#health.value = health ?? 0
    const [big, note] = bigWords(view, health)
    put(this.#big, big)
    put(this.#bigNote, note)
    this.#people(view)
  }

  /** Our figure's health; null if we have no figure. */
  #healthOf({ rows }: Look, { me }: View): number | null {
    for (let row = 0; row < rows.length; row += this.#measures.stride) {
      if (rows[row + SPRITE.kind] === KIND.player && rows[row + SPRITE.id] === me) {
        return rows[row + SPRITE.health] ?? null
      }
    }
    return null
  }

  #people({ here, me }: View): void {
    const names = here.map(({ player, name }) => `${name ?? `player ${player}`}${player === me ? ' (you)' : ''}`)
    put(this.#hereCount, String(here.length))
    const listed = names.length > LISTED ? [...names.slice(0, LISTED), `and ${names.length - LISTED} more`] : names
    if (listed.join('\n') === this.#listed) return
    this.#listed = listed.join('\n')
    this.#here.replaceChildren(
      ...listed.map((name) => {
        const item = document.createElement('li')
        item.textContent = name
        return item
      }),
    )
  }
}

function phaseOf({ hud }: View): string {
  switch (hud.phase) {
    case 'idle':
      return 'Waiting for players'
    case 'countdown':
      return `Match ${hud.match_id} starts soon`
    case 'playing':
      return `Match ${hud.match_id}`
    case 'over':
      return `Match ${hud.match_id} is over`
  }
}

/** What is written over the field, large and small. */
function bigWords({ hud, me }: View, health: number | null): [string, string] {
  const seconds = Math.ceil(hud.ms_left / 1_000)
  if (hud.phase === 'countdown') return [String(seconds), 'Get ready: outlive the zombies.']
  if (hud.phase === 'over' && hud.last) {
    const { winner, survivors, players, played_ms } = hud.last
    const won = winner === 'survivors'
    const title = won ? 'Survivors win' : 'Zombies win'
    const tally = won ? `${survivors} of ${players} made it.` : `Nobody was left after ${clock(played_ms)}.`
    return [title, `${tally} Next match in ${seconds}.`]
  }
  if (hud.phase === 'playing' && health === 0) return ['', 'You are out. The next match comes after this one.']
  if (hud.phase === 'playing' && health === null && me !== null) return ['', 'The field is full: you watch this match.']
  return ['', '']
}

/** Minutes and seconds. */
function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function put(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
