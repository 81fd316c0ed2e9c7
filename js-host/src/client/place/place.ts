/**
 * What differs by where the page runs. One of the modules here is `#place`, which the bundle chooses; everything else is
 * the same everywhere. Decides nothing; a place must not know the game.
 */

import type { Ways } from '../line'

/** Where the page runs. */
export interface Place {
  /** The name of the room that the page is about, unchecked; null: none, here is no game. */
  room(): string | null
  /** Whether the page asks first, or plays, watches or plays alone right away. */
  begins(): 'asks' | 'plays' | 'watches' | 'alone'
  /** Whether somebody may play alone here. */
  readonly alone: boolean
  /** Sees to it that the page begins without network the next time, where that can be. */
  keep(): void
  /** By which frames may come. */
  readonly ways: Ways
  /** Asks the platform to log in who is nobody; null: there is nothing to log in to. */
  readonly login: (() => void) | null
  /** What the button that shares says. */
  readonly shares: string
  /** Hands out the room's address; whether it was copied without another word. */
  share(room: string): Promise<boolean>
}
