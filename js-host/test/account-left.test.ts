/** What a device had not told when its tab was gone, told by the page of another device. */

import { expect, test, vi } from 'vitest'
import { tellLeft } from '../src/client/left'
import { Disk, Life, madeUp, World } from './tabs'

madeUp()

test('b01_what_a_tab_did_that_is_gone_is_told_by_another_page_of_the_browser_once', async () => {
  const world = new World()
  const [here, gone] = [new Life(world, new Disk(1)), new Disk(2)]
  const first = new Life(world, gone)
  for (const life of [here, first]) {
    await life.open()
    await life.quiet()
  }
  world.online = false
  await vi.advanceTimersByTimeAsync(1_000)
  const kept = first.account?.prefer('volume', 31).kept
  await vi.advanceTimersByTimeAsync(1_000)
  await kept
  first.account?.close()
  const numbers = first.onDisk()
  expect(numbers.length).toBe(1)
  const left = new Life(world, gone)
  let released: number[] | null = null
  const device = {
    ...left.device,
    release: () => {
      released = left.onDisk()
    },
  }
  let told = false
  const devices = (async function* () {
    yield device
  })()
  void tellLeft(devices, (_, heard) => left.openAs(device, heard)).then(() => {
    told = true
  })
  // There is no network yet.
  await vi.advanceTimersByTimeAsync(30_000)
  expect([told, released]).toEqual([false, null])
  world.online = true
  await here.until('told', () => told)
  // The device is let go of when its disk knows.
  expect(released).toEqual([])
  here.account?.wake()
  await here.until('heard', ({ state }) => state.view?.preferences.volume === 31)
  expect(world.early).toEqual([])
})

test('a_device_that_has_nothing_to_tell_is_let_go_of_at_once', async () => {
  const world = new World()
  const disk = new Disk(1)
  const first = new Life(world, disk)
  await first.open()
  await first.quiet()
  await vi.advanceTimersByTimeAsync(1_000)
  first.account?.close()
  world.online = false
  const left = new Life(world, disk)
  const devices = (async function* () {
    yield left.device
  })()
  let told = false
  void tellLeft(devices, (device, heard) => left.openAs(device, heard)).then(() => {
    told = true
  })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toBe(true)
})
