/**
 * The field with a crowd in every state, drawn as fast as the browser can: for people to look at,
 * and for the bench. `?zombies=600&players=64&me=0&look=7&view=whole&calm=1&aim=1`. Never part of the product.
 */

import { Motion } from '../../src/client/motion'
import { Scene } from '../../src/client/scene'
import { Field, MEASURES } from './field'

/** What the bench reads. */
export interface Gallery {
  frames: number
  /** How long each call of `draw` took, in milliseconds: the newest ones. */
  draws_ms: number[]
  error: string | null
}

declare global {
  interface Window {
    gallery: Gallery
  }
}

/** As many as a bench needs. */
const KEPT = 600

window.gallery = { frames: 0, draws_ms: [], error: null }
main().catch((error: unknown) => {
  window.gallery.error = String(error)
  console.error(error)
})

async function main(): Promise<void> {
  const asked = new URLSearchParams(location.search)
  const number = (name: string, otherwise: number) => Number(asked.get(name) ?? otherwise)
  const me = number('me', 0)
  const field = new Field(number('zombies', 600), number('players', 64), me)
  const scene = await Scene.create(document.getElementById('field') as HTMLCanvasElement, MEASURES)
  scene.calm = asked.has('calm')
  const inset = number('inset', 0)
  scene.inset = { top: inset, right: inset, bottom: inset, left: inset }
  const motion = new Motion(MEASURES)
  const names = field.names()
  const first_ms = performance.now()
  const frame = (time_ms: number): void => {
    requestAnimationFrame(frame)
    const now_ms = Math.max(0, time_ms - first_ms)
    const things = motion.move(field.look(now_ms), now_ms)
    const began_ms = performance.now()
    scene.draw({
      things,
      me,
      look: number('look', 0),
      follow: asked.get('view') === 'whole' ? null : number('follow', me),
      names,
      terrain: field.terrain,
      terrainOf: 1,
      aim: { strike: asked.has('aim') },
      now_ms,
    })
    window.gallery.draws_ms.push(performance.now() - began_ms)
    if (window.gallery.draws_ms.length > KEPT) window.gallery.draws_ms.shift()
    window.gallery.frames += 1
  }
  requestAnimationFrame(frame)
}
