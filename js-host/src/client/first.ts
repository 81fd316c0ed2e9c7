/**
 * The first screen: what the game is, how the room is now, and a button. Decides what comes before the game; must not
 * know the game's code, which is loaded behind it.
 */

import { Outlook, type Part } from './glance'

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
  open(play: () => Promise<void>): void {
    this.#part('how').addEventListener('click', () => this.#part<HTMLDialogElement>('help').showModal())
    const button = this.#part<HTMLButtonElement>('play')
    button.addEventListener('click', () => {
      this.#outlook.close()
      keepPlaying()
      void play()
    })
    // Disabled until now: a tap would have been lost.
    button.disabled = false
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
  }
}

/** A reload goes on with the game, not with this screen. */
function keepPlaying(): void {
  const url = new URL(location.href)
  url.searchParams.set('play', '')
  try {
    history.replaceState(null, '', url)
  } catch {
    // Not allowed in this frame: a reload asks again.
  }
}
