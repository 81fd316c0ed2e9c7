/** With what shapes are painted: outlines, and what they are filled with. Lengths are in tiles; decides no picture. */

import { INK } from './palette'

export type Pen = CanvasRenderingContext2D

/** A shape, before it is painted. */
export interface Draft {
  /** What it takes, in tiles: to the left, up, to the right, down of its middle. */
  readonly box: readonly [number, number, number, number]
  /** Soft shapes need fewer pixels than the rest: the part of the resolution they are painted at. */
  readonly detail?: number
  paint(pen: Pen): void
}

export const TURN = 2 * Math.PI
export const square = (half: number) => [half, half, half, half] as const
/** The outline of whatever walks, in tiles. */
const LINE = 0.075

export function shape(pen: Pen, fill: string | CanvasGradient, path: () => void, line = LINE): void {
  pen.beginPath()
  path()
  pen.fillStyle = fill
  pen.fill()
  if (line === 0) return
  pen.lineWidth = line
  pen.strokeStyle = INK.line
  pen.lineJoin = 'round'
  pen.stroke()
}

export function oval(pen: Pen, fill: string, x: number, y: number, rx: number, ry = rx, line = LINE): void {
  shape(pen, fill, () => pen.ellipse(x, y, rx, ry, 0, 0, TURN), line)
}

export function bar(
  pen: Pen,
  fill: string,
  [x, y, w, h]: readonly [number, number, number, number],
  round: number,
): void {
  shape(pen, fill, () => pen.roundRect(x, y, w, h, round))
}
