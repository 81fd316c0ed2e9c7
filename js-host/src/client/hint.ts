/**
 * Whether a run is under way in this browser, for the first screen, which has nothing of the game yet. A hint and no more:
 * the run itself is kept with its device (`underway.ts`), and whether it may go on is found out there.
 */

const KEY = 'baton.run'

/** Whether there seems to be one. */
export function isUnderway(): boolean {
  try {
    return localStorage.getItem(KEY) !== null
  } catch {
    return false
  }
}

/** There is one now, or there is none any more. */
export function setUnderway(is: boolean): void {
  try {
    if (is) localStorage.setItem(KEY, '')
    else localStorage.removeItem(KEY)
  } catch {
    // Storage is blocked: the button says what it always says.
  }
}
