/**
 * The buttons that act, for thumbs, the mouse and whoever tabs to them. Decides what they show; what
 * a press means is the input's.
 */

import { html, nothing, type TemplateResult } from 'lit-html'
import type { Measures, Mine } from '../game'
import type { Input } from '../input'
import { type Keys, keyName } from '../preferences'
import { type Icon, icon } from './icons'

interface Act {
  command: 'strike' | 'heal' | 'lure'
  label: string
  sign: Icon
  /** What of it is carried, and at most; null if it needs nothing. */
  carried: { count: number; most: number; unit: string } | null
  waits: boolean
}

/** Strike, heal and lure; a zombie bites. */
export function actionsPart(mine: Mine, measures: Measures, input: Input, keys: Keys): TemplateResult {
  const { max_ammunition, max_medkits, max_lures } = measures
  const turned = mine.role === 'turned'
  const rounds = { count: mine.ammunition, most: max_ammunition, unit: 'rounds' }
  const acts: Act[] = [
    {
      command: 'strike',
      label: turned ? 'Bite' : 'Strike',
      sign: turned ? 'turned' : 'strike',
      carried: turned ? null : rounds,
      waits: mine.cooldown_ms > 0,
    },
  ]
  if (!turned) {
    const medkits = { count: mine.medkits, most: max_medkits, unit: 'medkits' }
    const lures = { count: mine.lures, most: max_lures, unit: 'lures' }
    acts.push(
      { command: 'heal', label: 'Heal', sign: 'medkit', carried: medkits, waits: false },
      { command: 'lure', label: 'Lure', sign: 'lure', carried: lures, waits: false },
    )
  }
  const urgent = mine.infection_ms > 0 && mine.medkits > 0
  return html`<div class="actions" role="group" aria-label="Act">
    ${acts.map((act) => button(act, input, keys, urgent && act.command === 'heal'))}
  </div>`
}

function button({ command, label, sign, carried, waits }: Act, input: Input, keys: Keys, urgent: boolean) {
  const [key] = keys[command]
  const lacks = command !== 'strike' && carried?.count === 0
  const spoken = carried ? `${label}, ${carried.count} ${carried.unit}` : label
  const press = (event: PointerEvent) => {
    if (event.button !== 0) return
    // The focus stays on the field, where keys walk.
    event.preventDefault()
    input.hold(command, event)
  }
  // A click that no pointer made: Enter, Space, or an aid.
  const click = (event: MouseEvent) => event.detail === 0 && input.tap(command, event.timeStamp)
  return html`<button type="button" class="act ${command}" aria-label=${spoken} data-waits=${waits} data-lacks=${lacks}
    data-urgent=${urgent} @pointerdown=${press} @click=${click} @contextmenu=${(event: Event) => event.preventDefault()}>
    ${icon(sign)}
    <span class="label">${label}</span>
    ${key === undefined ? nothing : html`<kbd class="by-key">${keyName(key)}</kbd>`}
    ${carried ? html`<span class="carried">${carried.count}<span class="most">/${carried.most}</span></span>` : nothing}
  </button>`
}
