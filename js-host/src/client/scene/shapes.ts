/**
 * What everything looks like, as code: each shape is painted once, looking to the right, around
 * its own middle, in tiles. Decides outlines and colours; must not know when a shape is shown.
 */

import { LOOKS, person } from './looks'
import { INK } from './palette'
import { bar, type Draft, oval, type Pen, shape, square, TURN } from './pen'

/** Half of the angle of a strike: as in the rules. */
export const ARC = (62 * Math.PI) / 180

function glow(pen: Pen, radius: number, stops: readonly (readonly [number, number])[], rgb = '255,255,255'): void {
  const gradient = pen.createRadialGradient(0, 0, 0, 0, 0, radius)
  for (const [at, alpha] of stops) gradient.addColorStop(at, `rgba(${rgb},${alpha})`)
  pen.fillStyle = gradient
  pen.fillRect(-radius, -radius, 2 * radius, 2 * radius)
}

/** Bent, ragged and bald; its arms are shapes of their own, and reach out. */
function ghoul(body: string, dark: string, skin: string, eyes: string, size: number): Draft {
  return {
    box: square(0.78 * size),
    paint(pen) {
      pen.scale(size, size)
      const rags = [
        [0.3, -0.3],
        [0.26, 0],
        [0.32, 0.32],
        [0.04, 0.56],
        [-0.2, 0.44],
        [-0.3, 0.24],
        [-0.46, 0.12],
        [-0.34, -0.04],
        [-0.48, -0.22],
        [-0.22, -0.42],
        [0.02, -0.56],
      ] as const
      shape(pen, body, () => {
        for (const [at, [x, y]] of rags.entries())
          if (at === 0) pen.moveTo(x, y)
          else pen.lineTo(x, y)
        pen.closePath()
      })
      pen.strokeStyle = dark
      pen.lineWidth = 0.09
      pen.beginPath()
      pen.moveTo(-0.3, -0.14)
      pen.lineTo(0.0, -0.3)
      pen.moveTo(-0.24, 0.2)
      pen.lineTo(0.06, 0.34)
      pen.stroke()
      shape(pen, skin, () => pen.ellipse(0.24, 0.03, 0.3, 0.26, 0.15, 0, TURN))
      oval(pen, dark, 0.12, -0.06, 0.08, 0.06, 0)
      // Eyes and a mouth that is open.
      oval(pen, eyes, 0.38, -0.09, 0.06, 0.06, 0)
      oval(pen, eyes, 0.38, 0.13, 0.06, 0.06, 0)
    },
  }
}

/** Lies on its back, with arms and legs apart. */
function lying(body: string, dark: string, skin: string): Draft {
  return {
    box: [0.95, 0.75, 0.95, 0.75],
    paint(pen) {
      pen.lineCap = 'round'
      for (const [width, style] of [
        [0.3, INK.line],
        [0.18, dark],
      ] as const) {
        pen.lineWidth = width
        pen.strokeStyle = style
        pen.beginPath()
        pen.moveTo(-0.15, -0.12)
        pen.lineTo(-0.72, -0.3)
        pen.moveTo(-0.15, 0.12)
        pen.lineTo(-0.76, 0.2)
        pen.moveTo(0.2, -0.2)
        pen.lineTo(0.42, -0.58)
        pen.moveTo(0.2, 0.2)
        pen.lineTo(0.1, 0.6)
        pen.stroke()
      }
      shape(pen, body, () => pen.ellipse(0.06, 0, 0.42, 0.3, 0, 0, TURN))
      oval(pen, skin, 0.56, 0.03, 0.25)
      pen.strokeStyle = INK.line
      pen.lineWidth = 0.06
      pen.beginPath()
      for (const y of [-0.07, 0.13]) {
        pen.moveTo(0.56, y - 0.05)
        pen.lineTo(0.66, y + 0.05)
        pen.moveTo(0.66, y - 0.05)
        pen.lineTo(0.56, y + 0.05)
      }
      pen.stroke()
    },
  }
}

/** An arm from the shoulder at the middle to the right. */
function arm(sleeve: string, hand: string, length: number): Draft {
  return {
    box: [0.16, 0.18, length + 0.2, 0.18],
    paint(pen) {
      bar(pen, sleeve, [-0.1, -0.1, length, 0.2], 0.1)
      oval(pen, hand, length - 0.06, 0, 0.12)
    },
  }
}

function splat(seed: number): Draft {
  return {
    box: square(1.1),
    detail: 0.7,
    paint(pen) {
      pen.fillStyle = '#fff'
      let at = seed
      const next = () => {
        at = (Math.imul(at, 1_103_515_245) + 12_345) & 0x7fffffff
        return at / 0x80000000
      }
      for (let drop = 0; drop < 16; drop += 1) {
        const far = next() ** 1.5 * 0.9
        const angle = next() * TURN
        pen.beginPath()
        pen.arc(Math.cos(angle) * far, Math.sin(angle) * far, 0.05 + (1 - far) * 0.24 * next(), 0, TURN)
        pen.fill()
      }
    },
  }
}

/** A part of a ring, from `from` to `to`. */
function arcOf(radius: number, width: number, from: number, to: number): Draft {
  return {
    box: square(radius + width),
    paint(pen) {
      pen.lineWidth = width
      pen.strokeStyle = '#fff'
      pen.beginPath()
      pen.arc(0, 0, radius, from, to)
      pen.stroke()
    },
  }
}

/** How many parts the ring around an infected figure has: a second each, as long as it takes is 20 s. */
export const PARTS = 20

/** All shapes. */
export const DRAFTS = {
  dot: { box: square(0.06), paint: (pen) => pen.fillRect(-0.06, -0.06, 0.12, 0.12) },
  shadow: {
    box: square(0.8),
    detail: 0.5,
    paint: (pen) =>
      glow(
        pen,
        0.78,
        [
          [0, 0.62],
          [0.55, 0.42],
          [1, 0],
        ],
        '0,0,0',
      ),
  },
  glow: {
    box: square(1),
    detail: 0.5,
    paint: (pen) =>
      glow(pen, 1, [
        [0, 1],
        [0.2, 0.62],
        [0.5, 0.2],
        [1, 0],
      ]),
  },
  foot: { box: [0.28, 0.18, 0.28, 0.18], paint: (pen) => bar(pen, '#20242e', [-0.18, -0.1, 0.36, 0.2], 0.1) },
  survivor: person({ jacket: INK.survivor, dark: INK.survivorDark }),
  ...LOOKS,
  survivorArm: arm(INK.survivor, INK.skin, 0.42),
  meArm: arm(INK.me, INK.skin, 0.42),
  zombie: ghoul(INK.zombie, INK.zombieDark, INK.zombieSkin, '#b3200f', 1),
  zombieArm: arm(INK.zombieDark, INK.zombieSkin, 0.52),
  turned: ghoul(INK.turned, INK.turnedDark, INK.turnedSkin, '#f0e442', 1.12),
  turnedArm: arm(INK.turnedDark, INK.turnedSkin, 0.58),
  turnedLies: lying(INK.turned, INK.turnedDark, INK.turnedSkin),
  zombieLies: lying(INK.zombie, INK.zombieDark, INK.zombieSkin),
  /** Sores on who is infected. */
  sores: {
    box: square(0.6),
    paint(pen) {
      for (const [x, y, r] of [
        [-0.05, -0.42, 0.12],
        [-0.12, 0.36, 0.14],
        [0.2, 0.12, 0.1],
        [0.12, -0.14, 0.07],
      ] as const) {
        oval(pen, INK.sick, x, y, r, r, 0.045)
      }
    },
  },
  bat: {
    box: [0.2, 0.2, 0.9, 0.2],
    paint(pen) {
      shape(pen, '#c08a4a', () => {
        pen.moveTo(-0.12, -0.05)
        pen.lineTo(0.3, -0.06)
        pen.lineTo(0.74, -0.12)
        pen.arc(0.74, 0, 0.12, -Math.PI / 2, Math.PI / 2)
        pen.lineTo(0.3, 0.06)
        pen.lineTo(-0.12, 0.05)
        pen.closePath()
      })
      pen.fillStyle = '#e8e0cf'
      pen.fillRect(-0.1, -0.055, 0.22, 0.11)
    },
  },
  gun: {
    box: [0.2, 0.2, 0.85, 0.2],
    paint(pen) {
      bar(pen, '#4a5162', [-0.08, -0.09, 0.46, 0.18], 0.05)
      bar(pen, '#8a94a8', [0.3, -0.05, 0.44, 0.1], 0.03)
    },
  },
  medkit: {
    box: square(0.62),
    paint(pen) {
      bar(pen, '#f4f7fb', [-0.44, -0.36, 0.88, 0.72], 0.14)
      bar(pen, '#c3ccd8', [-0.16, -0.5, 0.32, 0.14], 0.05)
      pen.fillStyle = INK.danger
      pen.fillRect(-0.09, -0.25, 0.18, 0.5)
      pen.fillRect(-0.25, -0.09, 0.5, 0.18)
    },
  },
  ammunition: {
    box: square(0.62),
    paint(pen) {
      bar(pen, '#5b5130', [-0.46, -0.14, 0.92, 0.54], 0.08)
      for (const x of [-0.3, 0, 0.3]) {
        shape(pen, INK.gold, () => {
          pen.moveTo(x - 0.11, 0.14)
          pen.lineTo(x - 0.11, -0.22)
          pen.quadraticCurveTo(x - 0.09, -0.42, x, -0.48)
          pen.quadraticCurveTo(x + 0.09, -0.42, x + 0.11, -0.22)
          pen.lineTo(x + 0.11, 0.14)
          pen.closePath()
        })
      }
      bar(pen, '#7d7043', [-0.46, 0.06, 0.92, 0.34], 0.08)
    },
  },
  /** A radio, with waves. */
  radio: {
    box: square(0.7),
    paint(pen) {
      pen.lineCap = 'round'
      pen.lineWidth = 0.12
      pen.strokeStyle = INK.line
      pen.beginPath()
      pen.moveTo(0.2, -0.1)
      pen.lineTo(0.42, -0.56)
      pen.stroke()
      pen.lineWidth = 0.06
      pen.strokeStyle = '#dfe6f0'
      pen.stroke()
      shape(pen, INK.lure, () => {
        for (let corner = 0; corner < 6; corner += 1) {
          const angle = (corner * TURN) / 6
          pen.lineTo(Math.cos(angle) * 0.48, 0.08 + Math.sin(angle) * 0.42)
        }
        pen.closePath()
      })
      oval(pen, '#10233a', 0, 0.08, 0.24)
      oval(pen, '#dff0ff', 0, 0.08, 0.1, 0.1, 0)
    },
  },
  ring: arcOf(1, 0.06, 0, TURN),
  /** Around us. */
  halo: {
    box: square(1.25),
    paint(pen) {
      pen.lineWidth = 0.2
      pen.strokeStyle = 'rgba(5,7,13,0.55)'
      pen.beginPath()
      pen.arc(0, 0, 0.86, 0, TURN)
      pen.stroke()
      pen.lineWidth = 0.1
      pen.strokeStyle = '#fff'
      pen.stroke()
      shape(
        pen,
        '#fff',
        () => {
          pen.moveTo(1.2, 0)
          pen.lineTo(0.9, -0.2)
          pen.lineTo(0.9, 0.2)
          pen.closePath()
        },
        0.05,
      )
    },
  },
  part: arcOf(0.98, 0.15, -Math.PI / 2 + 0.05, -Math.PI / 2 + TURN / PARTS - 0.05),
  /** A player's mark over a zombie. */
  mark: {
    box: square(0.4),
    paint(pen) {
      const crown = () => {
        pen.moveTo(-0.28, 0.24)
        pen.lineTo(-0.32, -0.2)
        pen.lineTo(-0.13, 0.0)
        pen.lineTo(0, -0.28)
        pen.lineTo(0.13, 0.0)
        pen.lineTo(0.32, -0.2)
        pen.lineTo(0.28, 0.24)
        pen.closePath()
      }
      shape(pen, '#ffc4e3', crown, 0.09)
      shape(pen, '#ffc4e3', crown, 0)
      oval(pen, INK.turnedDark, 0, 0.1, 0.07, 0.07, 0)
    },
  },
  cross: {
    box: square(0.34),
    paint(pen) {
      shape(
        pen,
        '#fff',
        () => {
          for (const [x, y] of [
            [-0.09, -0.27],
            [0.09, -0.27],
            [0.09, -0.09],
            [0.27, -0.09],
            [0.27, 0.09],
            [0.09, 0.09],
            [0.09, 0.27],
            [-0.09, 0.27],
            [-0.09, 0.09],
            [-0.27, 0.09],
            [-0.27, -0.09],
            [-0.09, -0.09],
          ] as const) {
            pen.lineTo(x, y)
          }
          pen.closePath()
        },
        0,
      )
    },
  },
  /** The way of a swung bat; brightest where it ends. */
  swing: {
    box: [0.1, 1.7, 1.7, 1.7],
    detail: 0.7,
    paint(pen) {
      const slices = 24
      for (let slice = 0; slice < slices; slice += 1) {
        const from = -ARC + (2 * ARC * slice) / slices
        const part = (slice + 1) / slices
        const gradient = pen.createRadialGradient(0, 0, 0.7, 0, 0, 1.6)
        gradient.addColorStop(0, 'rgba(255,255,255,0)')
        gradient.addColorStop(0.75, `rgba(255,255,255,${0.55 * part})`)
        gradient.addColorStop(1, `rgba(255,255,255,${0.95 * part})`)
        pen.fillStyle = gradient
        pen.beginPath()
        pen.arc(0, 0, 1.6, from, from + (2 * ARC) / slices)
        pen.arc(0, 0, 0.7 + 0.7 * (1 - part), from + (2 * ARC) / slices, from, true)
        pen.fill()
      }
    },
  },
  /** How far a strike reaches. */
  reach: {
    box: [0.1, 1.75, 1.75, 1.75],
    paint(pen) {
      const gradient = pen.createRadialGradient(0, 0, 0.6, 0, 0, 1.6)
      gradient.addColorStop(0, 'rgba(255,255,255,0)')
      gradient.addColorStop(1, 'rgba(255,255,255,0.22)')
      pen.beginPath()
      pen.moveTo(0, 0)
      pen.arc(0, 0, 1.6, -ARC, ARC)
      pen.closePath()
      pen.fillStyle = gradient
      pen.fill()
      pen.lineWidth = 0.06
      pen.strokeStyle = 'rgba(255,255,255,0.8)'
      pen.setLineDash([0.18, 0.14])
      pen.beginPath()
      pen.arc(0, 0, 1.6, -ARC, ARC)
      pen.stroke()
    },
  },
  /** The light of a torch, four tiles far; stretched to be longer. */
  cone: {
    box: [0.2, 2, 4.1, 2],
    detail: 0.3,
    paint(pen) {
      const slices = 40
      for (let slice = 0; slice < slices; slice += 1) {
        const angle = -0.44 + (0.88 * slice) / slices
        const soft = Math.cos((angle / 0.44) * (Math.PI / 2)) ** 1.2
        const gradient = pen.createRadialGradient(0, 0, 0.2, 0, 0, 4)
        gradient.addColorStop(0, `rgba(255,255,255,${0.5 * soft})`)
        gradient.addColorStop(0.35, `rgba(255,255,255,${0.3 * soft})`)
        gradient.addColorStop(1, 'rgba(255,255,255,0)')
        pen.fillStyle = gradient
        pen.beginPath()
        pen.moveTo(0, 0)
        pen.arc(0, 0, 4, angle, angle + 0.88 / slices + 0.004)
        pen.fill()
      }
    },
  },
  /** One tile long; stretched. */
  tracer: {
    box: [0, 0.1, 1, 0.1],
    paint(pen) {
      const gradient = pen.createLinearGradient(0, 0, 1, 0)
      gradient.addColorStop(0, 'rgba(255,255,255,0.05)')
      gradient.addColorStop(0.8, 'rgba(255,255,255,0.8)')
      gradient.addColorStop(1, 'rgba(255,255,255,1)')
      pen.fillStyle = gradient
      pen.fillRect(0, -0.045, 1, 0.09)
    },
  },
  muzzle: {
    box: [0.3, 0.5, 1, 0.5],
    paint(pen) {
      shape(
        pen,
        '#fff',
        () => {
          for (const [x, y] of [
            [-0.1, 0],
            [0.12, -0.12],
            [0.2, -0.42],
            [0.38, -0.12],
            [0.95, 0],
            [0.38, 0.12],
            [0.2, 0.42],
            [0.12, 0.12],
          ] as const) {
            pen.lineTo(x, y)
          }
          pen.closePath()
        },
        0,
      )
    },
  },
  /** Two rows of teeth. */
  bite: {
    box: square(0.75),
    paint(pen) {
      for (const side of [-1, 1]) {
        shape(
          pen,
          '#fff',
          () => {
            pen.moveTo(-0.6, side * 0.5)
            for (let tooth = 0; tooth < 5; tooth += 1) {
              pen.lineTo(-0.6 + tooth * 0.24 + 0.12, side * 0.12)
              pen.lineTo(-0.6 + (tooth + 1) * 0.24, side * 0.42)
            }
            pen.quadraticCurveTo(0, side * 0.85, -0.6, side * 0.5)
          },
          0.04,
        )
      }
    },
  },
  splat0: splat(7),
  splat1: splat(1_234),
  splat2: splat(98_765),
  /** Points to somebody off the screen. */
  pointer: {
    box: square(0.62),
    paint(pen) {
      shape(pen, INK.sick, () => {
        pen.arc(-0.1, 0, 0.42, 0.85, TURN - 0.85)
        pen.lineTo(0.56, 0)
        pen.closePath()
      })
      oval(pen, INK.line, -0.1, 0, 0.3, 0.3, 0)
    },
  },
} satisfies Record<string, Draft>

/** The name of a shape. */
export type ShapeName = keyof typeof DRAFTS
