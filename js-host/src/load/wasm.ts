/** Finds the wasm where the bundler of a Worker puts it: a compiled module beside the script. */

import { instantiate } from '#wasm/server'
import module from '#wasm/server.wasm'
import type { Face } from './face'

/** A new instance of the handler. */
export function makeFace(): Face {
  return instantiate(module)
}
