/** What the parts of a picture draw upon: layers from the ground up, and the shapes to put there. */

import type { Shape } from './atlas'
import type { Batch } from './batch'
import type { Camera } from './camera'
import type { ShapeName } from './shapes'

/** The layers of a frame. */
export interface Layers {
  /** What lies on the ground. */
  readonly ground: Batch
  /** Whoever walks there. */
  readonly figures: Batch
  /** Light: it is added to what is below. */
  readonly glow: Batch
  /** Bars, rings and marks, which the night does not darken. */
  readonly marks: Batch
  readonly shapes: Readonly<Record<ShapeName, Shape>>
  readonly camera: Camera
  /** Reduced motion: no flashes, no sparks, nothing that pulses. */
  readonly calm: boolean
  readonly now_ms: number
}

/** The name of a layer. */
export type LayerName = 'ground' | 'figures' | 'glow' | 'marks'
