/**
 * The post in the feed: what the game is, how its room is now, and one button. Decides nothing of its own; must stay small,
 * since it is loaded by everybody who scrolls past, and must not know the game.
 */

import { type Context, context, requestExpandedMode } from '@devvit/client'
import { Outlook } from './glance'
import { accept, invitationOf } from './invitation'

function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page lacks #${id}`)
  return found as T
}

function main(): void {
  // The types promise a context; a page outside of a post has none.
  const post = context as Context | undefined
  const { button, note } = invitationOf(post?.userId)
  const play = part<HTMLButtonElement>('play')
  play.textContent = button
  part('note').textContent = note
  const doors = {
    expand: requestExpandedMode,
    // The platform tells the page who it is in the hash.
    go: (page: string) => location.assign(page + location.hash),
  }
  play.addEventListener('click', (event) => accept(event, doors))
  // Disabled until now: a tap would have been lost.
  play.disabled = false
  if (post) new Outlook(post.postId, part).open()
}

main()
