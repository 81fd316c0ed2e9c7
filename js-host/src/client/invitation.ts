/** What a post in the feed invites to, and what happens when somebody accepts. Decides the words; must not know the page. */

/** What is written of it. */
export interface Invitation {
  button: 'Play' | 'Watch'
  /** Below the button; may be empty. */
  note: string
}

/** `user`: whom the platform has logged in. */
export function invitationOf(user: string | undefined): Invitation {
  if (user) return { button: 'Play', note: '' }
  return { button: 'Watch', note: 'Log in to Reddit to play.' }
}

/** The ways to the game. */
export interface Doors {
  /** Asks the platform to open an entry point over the feed. Throws where there is nothing to expand. */
  expand(event: MouseEvent, entry: string): void
  /** Loads a page in place of this one. */
  go(page: string): void
}

/** Somebody tapped: over the feed, or in place where the post has the whole screen already. */
export function accept(event: MouseEvent, { expand, go }: Doors): void {
  // The platform opens nothing for a script.
  if (!event.isTrusted) return
  try {
    expand(event, 'game')
  } catch {
    go('game.html')
  }
}
