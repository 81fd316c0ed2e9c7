/** The page's icons, which are symbols in index.html. Decides nothing. */

import { svg, type TemplateResult } from 'lit-html'

export type Icon =
  | ('person' | 'zombie' | 'turned' | 'people' | 'walk' | 'strike' | 'medkit' | 'lure' | 'round' | 'infection')
  | ('scores' | 'sound' | 'mute' | 'help' | 'settings' | 'close' | 'before' | 'next')

/** An icon that says nothing to who does not see it: a word must stand beside it, or a label around it. */
export function icon(name: Icon, tone = ''): TemplateResult<2> {
  return svg`<svg class="icon ${tone}" aria-hidden="true"><use href="#i-${name}" /></svg>`
}
