/**
 * The first screen: what the game is, how the room is now, and a button. Decides what comes before the game; must not
 * know the game's code, which is loaded behind it.
 */

import { Outlook, type Part } from './glance'
import { isUnderway } from './hint'
import type { How } from './play'

/** The game is loaded behind the screen after so long, in milliseconds, if the browser is not idle before. */
const QUIET_MS = 1_500

/** The screen before the game. */
export class FirstScreen {
  readonly #part: Part
  readonly #outlook: Outlook

  constructor(room: string, part: Part) {
    this.#part = part
    this.#outlook = new Outlook(room, part)
    part('first-room').textContent = room
  }

  /** Shows it until somebody wants to play. */
  open(play: (how: How) => Promise<void>): void {
    const begin = (how: 'plays' | 'alone') => {
      this.#outlook.close()
      keepPlaying(how)
      void play(how)
    }
    const presses: Record<string, () => void> = {
      how: () => this.#part<HTMLDialogElement>('help').showModal(),
      play: () => begin('plays'),
      alone: () => begin('alone'),
      'show-account': () => void account(() => begin('alone')),
    }
    if (isUnderway()) this.#part('alone').textContent = 'Continue alone'
    for (const [id, press] of Object.entries(presses)) {
      const button = this.#part<HTMLButtonElement>(id)
      button.addEventListener('click', press)
      // Disabled until now: a tap would have been lost.
      button.disabled = false
    }
    this.#outlook.open()
    const quietly = globalThis.requestIdleCallback ?? ((work: () => void) => setTimeout(work, QUIET_MS))
    // What fails here is tried again, and told, when somebody wants to play.
    quietly(() => import('./play').then(({ prepare }) => prepare()).catch(() => undefined), { timeout: QUIET_MS })
  }

  /** How far the game is loaded. */
  readonly progress = (step: number, text: string): void => {
    this.#part('loading').hidden = false
    this.#part('loading-text').textContent = text
    this.#part<HTMLProgressElement>('progress').value = step
    this.#part<HTMLButtonElement>('play').disabled = true
    // There is no room for both.
    for (const id of ['alone', 'show-account']) this.#part(id).hidden = true
  }
}

/** The account, which is part of the game's code. */
async function account(alone: () => void): Promise<void> {
  const { showAccount } = await import('./play')
  await showAccount(alone)
}

/** A reload goes on with the game, not with this screen. */
function keepPlaying(how: 'plays' | 'alone'): void {
  const url = new URL(location.href)
  url.searchParams.set(how === 'alone' ? 'alone' : 'play', '')
  try {
    history.replaceState(null, '', url)
  } catch {
    // Not allowed in this frame: a reload asks again.
  }
}
