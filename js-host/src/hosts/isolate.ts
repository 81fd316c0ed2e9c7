/** What all rooms of an isolate share: one instance of the wasm, with the rooms it keeps warm. */

import { Faces } from '../load/face'
import { makeFace } from '../load/wasm'
import type { Settings } from '../settings'

let faces: { of: string; faces: Faces } | null = null

/** The isolate's instance, for these settings. */
export function facesOf({ rooms }: Settings): Faces {
  if (faces?.of !== rooms) faces = { of: rooms, faces: new Faces(makeFace, rooms) }
  return faces.faces
}
