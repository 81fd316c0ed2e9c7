/**
 * What differs by where the page runs. One of the modules here is `#place`, which the bundle chooses; everything else is
 * the same everywhere. Decides nothing; a place must not know the game.
 */

import type { Ways } from '../line'

/** Where the page runs. */
export interface Place {
  /** The name of the room that the page is about, unchecked; null: none, here is no game. */
  room(): string | null
  /** Whether the page asks first, or plays or watches right away. */
  begins(): 'asks' | 'plays' | 'watches'
  /** By which frames may come. */
  readonly ways: Ways
  /** Asks the platform to log in who is nobody; null: there is nothing to log in to. */
  readonly login: (() => void) | null
  /** What the button that shares says. */
  readonly shares: string
  /** Hands out the room's address; whether it was copied without another word. */
  share(room: string): Promise<boolean>
}
