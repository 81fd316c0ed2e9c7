/** What a device takes over of another one of this browser, which no tab has any more. */

import { afterEach, expect, test, vi } from 'vitest'
import { leftDevices, takeDevice } from './device'

/** What is on disk, by table and key. */
const disk = vi.hoisted(() => new Map<string, Uint8Array>())
vi.mock('idb', () => ({
  openDB: async () => ({
    get: async (table: string, key: string) => disk.get(`${table}/${key}`),
    put: async (table: string, value: Uint8Array, key: string) => void disk.set(`${table}/${key}`, value),
  }),
}))

afterEach(() => {
  vi.unstubAllGlobals()
  disk.clear()
})

/** Locks of a browser, all of whose tabs are these. */
function browser(): void {
  const held = new Set<string>()
  const request = async (name: string, options: { ifAvailable?: boolean }, work: (lock: object | null) => unknown) => {
    if (held.has(name)) return options.ifAvailable ? work(null) : new Promise(() => {})
    held.add(name)
    try {
      return await work({})
    } finally {
      held.delete(name)
    }
  }
  vi.stubGlobal('navigator', { locks: { request } })
  vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => {} })
}

test('b01_what_a_tab_kept_that_is_gone_is_taken_over_once_and_nothing_of_one_that_is_there', async () => {
  browser()
  const tab = () => takeDevice('user', () => crypto.getRandomValues(new Uint8Array(16)))
  const [first, second, third] = [await tab(), await tab(), await tab()]
  await second.saveQueue('run', Uint8Array.of(2))
  await third.saveQueue('run', Uint8Array.of(3))
  expect(await first.adopt('run')).toBe(undefined)
  second.release()
  await vi.waitFor(async () => expect(await first.adopt('run')).toEqual(Uint8Array.of(2)))
  // It is the first's now, on disk, and nobody else's.
  expect(await first.loadQueue('run')).toEqual(Uint8Array.of(2))
  expect(await first.adopt('run')).toBe(undefined)
  const fourth = await tab()
  expect((await fourth.loadQueue('run'))?.length).toBe(0)
  expect(await third.loadQueue('run')).toEqual(Uint8Array.of(3))
  expect(await fourth.adopt('another')).toBe(undefined)
})

test('devices that no tab has and that kept something are left, one at a time', async () => {
  browser()
  const tab = () => takeDevice('user', () => crypto.getRandomValues(new Uint8Array(16)))
  const [first, second, third, fourth] = [await tab(), await tab(), await tab(), await tab()]
  for (const device of [first, second, fourth]) await device.saveQueue('queue', device.id)
  const left = async () => {
    const ids: Uint8Array[] = []
    for await (const device of leftDevices('user', 'queue')) {
      ids.push(device.id)
      expect(await device.loadQueue('queue')).toEqual(device.id)
      device.release()
    }
    return ids
  }
  expect(await left()).toEqual([])
  for (const device of [second, third, fourth]) device.release()
  await vi.waitFor(async () => expect(await left()).toEqual([second.id, fourth.id]))
  // While one is held, no tab takes it.
  const holds = leftDevices('user', 'queue')
  const { value: held } = await holds.next()
  expect((await tab()).id).toEqual(third.id)
  held?.release()
})
