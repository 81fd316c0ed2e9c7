/**
 * What is always seen: the clock and the counts, our figure, and that we are infected. Decides how it
 * is put; must not know the rules.
 */

import { html, nothing, type TemplateResult } from 'lit-html'
import type { Hud, Measures, Mine, View } from '../game'
import { icon } from './icons'
import { clock, phaseOf, seconds } from './words'

/** Below this share, health is called low. */
const LOW = 0.35
/** An infection with less time than this is called urgent, in milliseconds. */
const URGENT_MS = 8_000

/** Phase and clock. */
export function matchPart({ phase, ms_left }: Hud): TemplateResult {
  return html`<p class="panel match" data-urgent=${phase === 'playing' && ms_left < 30_000}>
    <span id="phase">${phaseOf(phase)}</span>
    <strong id="time" role="timer">${phase === 'idle' ? '' : clock(ms_left)}</strong>
  </p>`
}

/** How many there are of each. */
export function countsPart({ survivors, infected, turned, zombies }: Hud): TemplateResult {
  const sick = infected > 0 ? html`<span class="warn">(${infected} infected)</span>` : nothing
  return html`<ul class="panel counts" aria-label="On the field">
    <li title="Survivors">${icon('person', 'friend')}<span class="unseen">Survivors</span> <strong id="survivors">${survivors}</strong> <span class="roomy">${sick}</span></li>
    <li title="Turned">${icon('turned', 'turned')}<span class="unseen">Turned</span> <strong id="turned">${turned}</strong></li>
    <li title="Zombies">${icon('zombie', 'zombie')}<span class="unseen">Zombies</span> <strong id="zombies">${zombies}</strong></li>
  </ul>`
}

/** Our figure; empty for a spectator. */
export function vitalsPart(mine: Mine | null, { health: most }: Measures): TemplateResult | typeof nothing {
  if (!mine) return nothing
  const low = mine.health < LOW * most
  const role = mine.role === 'turned' ? 'Turned' : mine.infection_ms > 0 ? 'Infected' : 'Survivor'
  return html`<section class="panel vitals" aria-label="You" data-role=${role}>
    <p><strong class="role">${role}</strong> <span><strong id="score">${mine.score}</strong> points</span></p>
    <p class="health" data-low=${low}>
      <label class="unseen" for="health">Health</label>
      <meter id="health" min="0" max=${most} low=${LOW * most} high=${LOW * most} optimum=${most} .value=${mine.health}></meter>
      <strong id="health-text">${mine.health}</strong>
    </p>
  </section>`
}

/** The timer that must not be missed, with what to do; or that we lie on the ground. */
export function infectionPart(
  { hud, mine }: View,
  measures: Measures,
  healKey: string,
): TemplateResult | typeof nothing {
  if (!mine || hud.phase !== 'playing') return nothing
  if (mine.down_ms > 0) {
    return html`<div class="panel alarm down"><p><strong class="title">Struck down.</strong> You rise in ${seconds(mine.down_ms)} s.</p></div>`
  }
  if (mine.role === 'turned' || mine.infection_ms === 0) return nothing
  const left = Math.round((100 * mine.infection_ms) / measures.infection_ms)
  const [title, todo] =
    mine.medkits > 0
      ? [
          'Infected! Heal now',
          html`<span class="by-key">Press <kbd>${healKey}</kbd> to use a medkit.</span><span class="by-touch">Tap Heal to use a medkit.</span>`,
        ]
      : ['Infected! Find a medkit', html`Or stay close to a friend who has one.`]
  return html`<div class="panel alarm infected" data-urgent=${mine.infection_ms < URGENT_MS}>
    <svg class="ring" viewBox="0 0 48 48" aria-hidden="true">
      <circle cx="24" cy="24" r="20" />
      <circle class="left" cx="24" cy="24" r="20" pathLength="100" stroke-dasharray="${left} 100" transform="rotate(-90 24 24)" />
      <text x="24" y="24" text-anchor="middle" dominant-baseline="central">${seconds(mine.infection_ms)}</text>
    </svg>
    <p role="alert"><strong class="title">${title}</strong> <span class="todo">${todo}</span></p>
  </div>`
}
