/**
 * The store of the app for Devvit as its processes have it: the handler's wasm, the platform's own packages, and below them
 * the local Devvit over a real Redis. Every call is made as a request of an installation would make it.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { redis } from '@devvit/redis'
import { Context, runWithContext } from '@devvit/server'
import { readConfiguration } from '../../../js-host/devvit/local/devvit-json.ts'
import { install } from '../../../js-host/devvit/local/install.ts'
import { instantiate } from '../../../js-host/dist/wasm/server-slots/baton_server'
import { Faces } from '../../../js-host/src/load/face'
import type { Performer } from '../../../js-host/src/store'
import { DevvitKeys } from '../../../js-host/src/stores/devvit'
import { type SlotsFace, SlotsStore } from '../../../js-host/src/stores/slots'

/** The repository. */
export const ROOT = join(import.meta.dirname, '../../..')

/** Runs something as a request of an installation. */
export function asInstallation<T>(installation: string, work: () => Promise<T>): Promise<T> {
  const headers = { 'devvit-subreddit': 't5_local', 'devvit-installation': installation, 'devvit-app': 'baton' }
  return runWithContext(Context(headers), work) as Promise<T>
}

/** The local Devvit of this process, over the Redis at `url`. There can be one. */
export function localDevvit(url: string, root = ROOT): ReturnType<typeof install> {
  const app = readConfiguration(join(root, 'js-host/devvit/devvit.json'))
  return install({ redis: url, app, url: 'http://127.0.0.1' })
}

/** Makes instances of the handler, as the app's bundle does. */
export function newFace(root = ROOT): () => SlotsFace {
  const wasm = readFileSync(join(root, 'js-host/dist/wasm/server-slots/baton_server_bg.wasm'))
  const module = new WebAssembly.Module(wasm)
  return () => instantiate(module)
}

/** A store that knows nothing yet, of an installation; once there is a local Devvit. */
export function newStore(installation = 'one', root = ROOT): Performer {
  const faces = new Faces(newFace(root), '{}')
  faces.current()
  const store = new SlotsStore(faces, new DevvitKeys(redis))
  return { perform: (room, effect) => asInstallation(installation, () => store.perform(room, effect)) }
}
