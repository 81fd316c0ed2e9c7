/** Finds the wasm where the build puts it for Devvit, whose server is a single file: as text inside the bundle. */

import { instantiate } from '#wasm/server-slots'
import base64 from '#wasm/server-slots.base64'
import { fromBase64 } from '../base64'
import type { SlotsFace } from '../stores/slots'

/** Compiled when the process starts. */
const module = new WebAssembly.Module(fromBase64(base64) as Uint8Array<ArrayBuffer>)

/** A new instance of the handler. */
export function makeFace(): SlotsFace {
  return instantiate(module)
}
