/** Finds the wasm where the build puts it for Node: a file beside the bundle. */

import { readFileSync } from 'node:fs'
import { instantiate } from '#wasm/server'
import type { Face } from './face'

/** Makes instances of the handler of one file. @throws if there is none */
export function facesOfFile(file: URL): () => Face {
  const module = new WebAssembly.Module(readFileSync(file))
  return () => instantiate(module)
}
