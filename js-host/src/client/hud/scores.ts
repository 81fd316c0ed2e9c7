/**
 * The scoreboard, with how the match ended and who else is here. Decides its columns and its words;
 * the order is the room's.
 */

import { html, nothing, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { Score, View } from '../game'
import { icon } from './icons'
import { clock, endOf, nameOf, namesOf, placeOf, ROLES, seconds } from './words'

const TONES: Record<Score['role'], string> = { survivor: 'friend', infected: 'warn', turned: 'turned' }
const SIGNS = { survivor: 'person', infected: 'infection', turned: 'turned' } as const

/** `close`: what to call to put it away; null if it cannot be. */
export function scoresPart(view: View, close: (() => void) | null): TemplateResult {
  const { hud, me } = view
  const names = namesOf(view)
  const listed = new Set(hud.scores.map(({ player }) => player))
  const others = view.here.filter(({ player }) => !listed.has(player))
  return html`<section class="panel scores" aria-label="Scores">
    <header>${hud.phase === 'over' ? end(view) : html`<h2>Scores</h2>`}
      ${close ? html`<button type="button" class="close" aria-label="Close" @click=${close}>${icon('close')}</button>` : nothing}
    </header>
    <div class="sheet" tabindex="0" role="region" aria-label="Table of scores">
      ${hud.scores.length === 0 ? html`<p class="soft">The match has not begun.</p>` : table(hud.scores, me, names)}
      ${
        others.length === 0
          ? nothing
          : html`<p class="others"><strong>${listed.size === 0 ? 'Here' : 'Watching'}:</strong>
            ${others.map(({ player }) => `${nameOf(names, player)}${player === me ? ' (you)' : ''}`).join(', ')}</p>`
      }
    </div>
    ${hud.phase === 'over' ? html`<p class="next" role="timer">Next match in <strong>${seconds(hud.ms_left)}</strong> s</p>` : nothing}
  </section>`
}

function end({ hud, me }: View): TemplateResult {
  const [title, tally] = endOf(hud)
  const tone = hud.last?.winner === 'contagion' ? 'zombie' : 'friend'
  return html`<div class="end" role="alert"><h2 class=${tone}>${title}</h2><p>${tally} ${placeOf(hud, me)}</p></div>`
}

function table(scores: Score[], me: number | null, names: ReadonlyMap<number, string>): TemplateResult {
  return html`<table>
    <thead>
      <tr>
        <th scope="col"><span class="unseen">Place</span></th>
        <th scope="col">Player</th>
        <th scope="col">Points</th>
        <th scope="col"><abbr title="Survived">Time</abbr></th>
        <th scope="col"><abbr title="Zombies struck">${icon('strike')}<span class="word">Struck</span></abbr></th>
        <th scope="col"><abbr title="Friends cured">${icon('medkit')}<span class="word">Cured</span></abbr></th>
        <th scope="col"><abbr title="Survivors infected">${icon('infection')}<span class="word">Infected</span></abbr></th>
      </tr>
    </thead>
    <tbody>
      ${repeat(
        scores,
        ({ player }) => player,
        (score, index) => html`<tr data-mine=${score.player === me} data-away=${score.away}>
          <td>${index + 1}</td>
          <th scope="row" title=${ROLES[score.role]}>
            <span class=${TONES[score.role]}>${icon(SIGNS[score.role])}<span class="unseen">${ROLES[score.role]}</span></span>
            <span class="name">${nameOf(names, score.player)}</span>
            ${score.player === me ? html`<span class="tag">you</span>` : score.away ? html`<span class="tag">left</span>` : nothing}
          </th>
          <td><strong>${score.score}</strong></td>
          <td>${clock(score.survived_ms)}</td>
          <td>${score.struck}</td>
          <td>${score.cures}</td>
          <td>${score.infected}</td>
        </tr>`,
      )}
    </tbody>
  </table>`
}
