/** What a post in the feed says, and what a tap does. */

import { expect, test } from 'vitest'
import { accept, type Doors, invitationOf } from './invitation'

test('who is logged in may play; who is not may watch, and is told why', () => {
  expect(invitationOf('t2_abc')).toEqual({ button: 'Play', note: '' })
  expect(invitationOf(undefined)).toEqual({ button: 'Watch', note: expect.stringContaining('Log in') })
})

/** The doors that were opened by a tap. */
function opened(isTrusted: boolean, expand: (entry: string) => void): string[] {
  const log: string[] = []
  const doors: Doors = {
    expand: (_, entry) => {
      log.push(`over the feed: ${entry}`)
      expand(entry)
    },
    go: (page) => log.push(`in place: ${page}`),
  }
  accept({ isTrusted } as MouseEvent, doors)
  return log
}

test('a tap opens the game over the feed', () => {
  expect(opened(true, () => {})).toEqual(['over the feed: game'])
})

test('where the post has the whole screen already, the game takes its place', () => {
  const refuse = () => {
    throw new Error('web view is already expanded')
  }
  expect(opened(true, refuse)).toEqual(['over the feed: game', 'in place: game.html'])
})

test("a script's click opens nothing", () => {
  expect(opened(false, () => {})).toEqual([])
})
