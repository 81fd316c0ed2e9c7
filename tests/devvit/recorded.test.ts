/** The recorded match in the store of a post: four processes of the app go on from it. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { INSTALLATION } from '../../js-host/devvit/local/identity.ts'
import { type LocalDevvit, startLocal } from '../../js-host/devvit/local/local.ts'
import { storeOf } from '../../js-host/src/store'
import { goesOn } from '../e2e/support/goes-on'
import { put } from '../e2e/support/recorded'
import { localDevvit, newStore } from './support/keys'
import { asUser, ROOM } from './support/players'

let devvit: LocalDevvit
let here: Awaited<ReturnType<typeof localDevvit>>

beforeAll(async () => {
  // More than the match has: whoever comes gets its frames, not what they come to.
  const variables = { BATON_ROOMS: JSON.stringify({ recent: 512 }) }
  devvit = await startLocal({ instances: 4, schedule: false, log: () => {}, variables })
  here = await localDevvit(devvit.redis)
})
afterAll(async () => {
  here?.close()
  await devvit?.stop()
})

test('x4_the_recorded_match_goes_on_from_the_same_hash_on_devvit', async () => {
  await put(storeOf(newStore(INSTALLATION)), ROOM)
  await goesOn(devvit.url, ROOM, asUser(devvit, 'alice'))
  expect((await devvit.calls()).calls.HSetNX).toBeGreaterThan(0)
})
