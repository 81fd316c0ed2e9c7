/**
 * The page begins: which room, what it can be played on, and whether to ask first. Decides the order
 * of things; the game itself comes later, in a file of its own, so that this one is small.
 */

import { place } from '#place'
import { FirstScreen } from './first'
import type { How } from './play'
import { Choices } from './preferences'

/** A part of the page, which must be there. */
function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page lacks #${id}`)
  return found as T
}

/** There is no game to be had; says why. */
function problem(text: string): void {
  part('first').hidden = true
  part('problem').hidden = false
  part('problem-text').textContent = text
  document.body.dataset.status = 'refused'
}

/** Loads the game, and plays, watches, or plays alone; the steps are told to `onStep`. */
async function play(
  room: string,
  choices: Choices,
  onStep: (step: number, text: string) => void,
  how: How,
): Promise<void> {
  try {
    onStep(0, 'Loading the game…')
    const { begin } = await import('./play')
    await begin(room, choices, onStep, how)
  } catch (error) {
    console.error('baton: cannot begin', error)
    const known = error instanceof Error && error.name === 'Unplayable'
    problem(known ? (error as Error).message : 'The game does not start. Reload the page.')
  }
}

function main(): void {
  const room = place.room()
  part('problem-reload').addEventListener('click', () => location.reload())
  // A page that comes back from the browser's cache has left the room.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
  watchTouch()
  if (room === null) {
    problem('Here is no game: this page belongs into a post.')
    return
  }
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(room)) {
    part('problem-reload').hidden = true
    part('to-lobby').hidden = false
    problem('A room is named with 1 to 64 of A–Z, a–z, 0–9, - and _. This link is not of a room.')
    return
  }
  const choices = new Choices(() => localStorage)
  const first = new FirstScreen(room, part)
  const begins = place.begins()
  if (begins === 'asks') first.open((how) => play(room, choices, first.progress, how))
  else void play(room, choices, first.progress, begins)
  place.keep()
}

/** The page shows its buttons for fingers where there are fingers. */
function watchTouch(): void {
  const { dataset } = document.body
  if (matchMedia('(pointer: coarse)').matches) dataset.touch = ''
  addEventListener('pointerdown', ({ pointerType }) => {
    if (pointerType === 'touch') dataset.touch = ''
  })
}

main()
