/** A device where the browser keeps nothing for the page, as in some frames. */

import { afterEach, expect, test, vi } from 'vitest'
import { takeDevice } from './device'

afterEach(() => vi.unstubAllGlobals())

const refuse = () => {
  throw new DOMException('denied', 'SecurityError')
}

test.each([
  ['are not there', {}],
  ['are refused', { locks: { request: async () => refuse() } }],
])('where locks %s, a device lives as long as the page, and keeps its queue for so long', async (_, navigator) => {
  vi.stubGlobal('navigator', navigator)
  vi.stubGlobal('sessionStorage', { getItem: refuse, setItem: refuse })
  vi.stubGlobal('indexedDB', { open: refuse })
  const device = await takeDevice('user', () => new Uint8Array(16).fill(7))
  expect(device.durable).toBe(false)
  expect(device.id).toEqual(new Uint8Array(16).fill(7))
  await device.saveQueue('room', Uint8Array.of(1))
  expect(await device.loadQueue('room')).toEqual(Uint8Array.of(1))
})

test('where only the database is refused, it is the same', async () => {
  const request = async (_name: string, _options: unknown, work: (lock: unknown) => unknown) => work({})
  vi.stubGlobal('navigator', { locks: { request } })
  vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: refuse })
  vi.stubGlobal('indexedDB', { open: refuse })
  const device = await takeDevice('user', () => new Uint8Array(16).fill(7))
  expect(device.durable).toBe(false)
})
