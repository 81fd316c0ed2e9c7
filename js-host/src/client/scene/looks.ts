/**
 * What players wear. Decides the art of each look of an account, of which only its own player knows: everybody else is drawn
 * in the plain jacket of survivors, since a match's state does not carry looks.
 *
 * Whatever is worn, shoulders and sleeves stay white: that is how one finds oneself. No look has a colour that means
 * something on the field (survivors, zombies, who has turned, danger).
 */

import { INK } from './palette'
import { bar, type Draft, oval, type Pen, shape, square, TURN } from './pen'

/** How somebody is dressed. */
export interface Dress {
  readonly jacket: string
  /** The rucksack and its straps. */
  readonly dark: string
  /** What is over the jacket. */
  readonly vest?: string
  /** In place of hair. */
  readonly head?: (pen: Pen) => void
}

/** The vests of the looks, in their order. */
export const VESTS = ['#96303f', '#38499c', '#59682c', '#6f7888', '#8f7a1c', '#6b4a33', '#dfe7ec', '#c9c6c0'] as const
/** What is on heads and backs. */
const GEAR = {
  rucksack: ['#5e1e29', '#232f6b', '#394419', '#474e5b', '#5c4e10', '#3f2b1e', '#b9c8d8', '#858a92'],
  brim: '#b59a30',
  mask: '#262b33',
  glass: '#ffd27a',
  cross: '#c0392b',
  helmet: '#eef2f7',
  visor: '#1d2748',
} as const

/** Shoulders and a head from above. */
export function person({ jacket, dark, vest, head = hair }: Dress): Draft {
  return {
    box: square(0.72),
    paint(pen) {
      shape(pen, jacket, () => pen.ellipse(-0.02, 0, 0.38, 0.6, 0, 0, TURN))
      if (vest) oval(pen, vest, -0.02, 0, 0.33, 0.42, 0)
      // A rucksack: who carries one is no zombie.
      bar(pen, dark, [-0.54, -0.28, 0.3, 0.56], 0.1)
      pen.strokeStyle = dark
      pen.lineWidth = 0.08
      pen.beginPath()
      pen.moveTo(-0.25, -0.24)
      pen.quadraticCurveTo(0.12, -0.4, 0.16, -0.26)
      pen.moveTo(-0.25, 0.24)
      pen.quadraticCurveTo(0.12, 0.4, 0.16, 0.26)
      pen.stroke()
      oval(pen, INK.skin, 0.1, 0, 0.24)
      head(pen)
    },
  }
}

function hair(pen: Pen): void {
  shape(
    pen,
    INK.hair,
    () => {
      pen.arc(0.08, 0, 0.23, Math.PI * 0.4, Math.PI * 1.6)
      pen.quadraticCurveTo(0.02, 0, 0.15, 0.22)
    },
    0,
  )
}

/** A hood with a brim. */
function hood(pen: Pen): void {
  shape(pen, VESTS[4], () => pen.ellipse(0.02, 0, 0.3, 0.32, 0, 0, TURN))
  shape(pen, GEAR.brim, () => {
    pen.arc(0.1, 0, 0.26, -1.1, 1.1)
    pen.quadraticCurveTo(0.14, 0, 0.22, -0.23)
  })
}

/** A mask over the face, with a slit to look through. */
function mask(pen: Pen): void {
  hair(pen)
  shape(pen, GEAR.mask, () => {
    pen.arc(0.1, 0, 0.29, -1.6, 1.6)
    pen.closePath()
  })
  shape(pen, GEAR.glass, () => pen.roundRect(0.2, -0.16, 0.09, 0.32, 0.03), 0)
}

/** A cap with a cross. */
function cap(pen: Pen): void {
  hair(pen)
  bar(pen, INK.white, [-0.1, -0.2, 0.26, 0.4], 0.08)
  pen.fillStyle = GEAR.cross
  pen.fillRect(-0.01, -0.13, 0.08, 0.26)
  pen.fillRect(-0.1, -0.04, 0.26, 0.08)
}

/** A helmet of glass. */
function helmet(pen: Pen): void {
  oval(pen, GEAR.helmet, 0.08, 0, 0.33)
  shape(pen, GEAR.visor, () => pen.ellipse(0.2, 0, 0.17, 0.24, 0, 0, TURN), 0.05)
  oval(pen, INK.white, 0.26, -0.1, 0.035, 0.06, 0)
}

const HEADS = [hair, hair, hair, hair, hood, mask, cap, helmet] as const

function look(at: number): Draft {
  const { me: jacket, meDark } = INK
  return person({ jacket, dark: GEAR.rucksack[at] ?? meDark, vest: VESTS[at] ?? jacket, head: HEADS[at] ?? hair })
}

/** Our own figure in each look. */
export const LOOKS = {
  ...{ look0: look(0), look1: look(1), look2: look(2), look3: look(3) },
  ...{ look4: look(4), look5: look(5), look6: look(6), look7: look(7) },
}

/** The shape of a look; of one that this page does not know, the first. */
export function shapeOf(look: number): keyof typeof LOOKS {
  const name = `look${look}`
  return name in LOOKS ? (name as keyof typeof LOOKS) : 'look0'
}

/** A picture of a look, for a list: from above, as on the field, looking up. */
export function portrait(look: number, side: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = side
  canvas.height = side
  canvas.setAttribute('aria-hidden', 'true')
  const pen = canvas.getContext('2d')
  const { box, paint } = LOOKS[shapeOf(look)]
  pen?.translate(side / 2, side / 2)
  pen?.scale(side / (2 * box[0]), side / (2 * box[0]))
  pen?.rotate(-Math.PI / 2)
  if (pen) paint(pen)
  return canvas
}
