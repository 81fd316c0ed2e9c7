/** When the run under way is written and forgotten, and whether it may go on. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AccountView, Acted } from './account'
import { Bookmark, goneOf, handIn, type Underway } from './underway'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A disk, what was written to it in turn, and how long it takes. */
class Disk {
  durable = true
  readonly written: Uint8Array[] = []
  kept: Uint8Array | undefined
  /** What a tab that is gone left on a device of its own. */
  others: Uint8Array | undefined
  readonly #takes_ms: number

  constructor(takes_ms = 0) {
    this.#takes_ms = takes_ms
  }

  loadQueue = async () => this.kept
  adopt = async () => this.others
  saveQueue = async (_: string, bytes: Uint8Array) => {
    if (this.#takes_ms > 0) await new Promise((written) => setTimeout(written, this.#takes_ms))
    this.written.push(bytes)
    this.kept = bytes
  }
}

const RUN: Underway = { rules: 'r', seed: '18446744073709551615', paid: true, tick: 40, inputs: Uint8Array.of(40, 8) }
const at = (tick: number, seed = RUN.seed): Underway => ({ ...RUN, seed, tick })
const read = (disk: Disk) => new Bookmark(disk).read()

test('b01_a_run_under_way_is_written_once_a_second_as_it_is_then', async () => {
  const disk = new Disk()
  const bookmark = new Bookmark(disk)
  for (let tick = 1; tick <= 35; tick += 1) {
    bookmark.note(() => at(tick))
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(disk.written.length).toBe(3)
  expect(await read(disk)).toEqual(at(30))
  // The page is hidden, maybe for ever: what was noted since is written at once, and once.
  await bookmark.write()
  await bookmark.write()
  expect(disk.written.length).toBe(4)
  expect(await read(disk)).toEqual(at(35))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(disk.written.length).toBe(4)
})

test('b01_what_is_handed_in_stays_on_a_disk_that_is_full', async () => {
  const disk = new Disk()
  const bookmark = new Bookmark(disk)
  bookmark.note(() => at(10))
  await bookmark.write()
  // The queue that has the run went into memory.
  disk.durable = false
  const account = { run: () => ({ kept: Promise.resolve(), verdict: new Promise<never>(() => {}) }) }
  await handIn(account, bookmark, at(10))
  expect(await read(disk)).toEqual(at(10))
  expect(bookmark.owed).toBeNull()
})

test('b01_what_is_forgotten_is_gone_and_stays_so_though_writing_takes_long', async () => {
  const disk = new Disk(1_500)
  const bookmark = new Bookmark(disk)
  bookmark.note(() => at(10))
  void bookmark.write()
  bookmark.note(() => at(20))
  void bookmark.forget(RUN.seed)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await read(disk)).toBe(null)
  // The next run is not the one that is forgotten, however late that comes.
  bookmark.note(() => at(5, '2'))
  void bookmark.write()
  void bookmark.forget(RUN.seed)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await read(disk)).toEqual(at(5, '2'))
  // And who comes later may forget what an earlier page wrote.
  const later = new Bookmark(disk)
  await later.read()
  void later.forget('2')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await read(disk)).toBe(null)
})

test.each([[Uint8Array.of(1)], [Uint8Array.of(1, 114, 200)], [new Uint8Array(40).fill(255)]])(
  'a record that is damaged is none: %s',
  async (kept) => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const disk = new Disk()
    disk.kept = kept
    expect(await read(disk)).toBe(null)
    expect(warned).toHaveBeenCalledOnce()
    warned.mockRestore()
  },
)

test('b01_a_run_that_is_over_is_kept_until_the_queue_on_disk_has_it', async () => {
  const disk = new Disk()
  const bookmark = new Bookmark(disk)
  let through = () => {}
  const kept = new Promise<void>((resolve) => {
    through = resolve
  })
  const handed: unknown[] = []
  const account = {
    run: (...run: unknown[]): Acted => {
      handed.push(run)
      return { kept, verdict: new Promise(() => {}) }
    },
  }
  const settled = handIn(account, bookmark, at(300))
  expect(handed).toEqual([[RUN.seed, RUN.inputs]])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await read(disk)).toEqual(at(300))
  through()
  await settled
  expect(await read(disk)).toBe(null)
})

test('b01_a_run_that_the_account_does_not_take_stays_until_it_does', async () => {
  const disk = new Disk()
  const bookmark = new Bookmark(disk)
  let takes = false
  const runs: string[] = []
  const run = (seed: string): Acted => {
    runs.push(seed)
    return { kept: takes ? Promise.resolve() : Promise.reject(new Error('full')), verdict: new Promise(() => {}) }
  }
  await handIn({ run }, bookmark, at(300))
  expect(bookmark.owed).toEqual(at(300))
  // Another one is played meanwhile, is not kept, and is taken: then the first one is still there.
  bookmark.note(() => at(5, '2'))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await read(disk)).toEqual(at(300))
  await handIn({ run }, bookmark, at(300))
  takes = true
  await handIn({ run }, bookmark, at(9, '2'))
  expect(await read(disk)).toEqual(at(300))
  await handIn({ run }, bookmark, at(300))
  expect([bookmark.owed, await read(disk), runs]).toEqual([null, null, [RUN.seed, RUN.seed, '2', RUN.seed]])
  bookmark.note(() => at(1, '3'))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await read(disk)).toEqual(at(1, '3'))
})

test('b01_a_run_of_a_tab_that_is_gone_goes_on_where_there_is_none', async () => {
  const disk = new Disk()
  expect(await read(disk)).toBe(null)
  const left = new Disk()
  const bookmark = new Bookmark(left)
  bookmark.note(() => at(7, '8'))
  await bookmark.write()
  disk.others = left.kept
  expect(await read(disk)).toEqual(at(7, '8'))
  disk.kept = new Uint8Array()
  expect(await read(disk)).toEqual(at(7, '8'))
})

const VIEW = {
  seeds: [{ seed: '1', until_ms: 9 }],
  waiting: ['2'],
  judged: [{ seed: '3', score: 1, scrap: 0 }],
} as unknown as AccountView

test.each<[Partial<Underway>, Partial<AccountView> | null, ReturnType<typeof goneOf>]>([
  [{ seed: '1' }, {}, null],
  [{ seed: '2' }, {}, 'handed_in'],
  [{ seed: '3' }, {}, 'used'],
  [{ seed: '4' }, {}, 'expired'],
  // Nobody pays for it: then no account has to know it.
  [{ seed: '4', paid: false }, {}, null],
  // Nothing is known of the account, or no seed is shown to this device yet.
  [{ seed: '4' }, null, null],
  [{ seed: '4' }, { seeds: [] }, null],
  [{ seed: '3' }, { seeds: [] }, 'used'],
  [{ seed: '1', rules: 'others' }, {}, 'outdated'],
  [{ seed: '4', paid: false, rules: 'others' }, null, 'outdated'],
])('b01_a_run_%o_of_an_account_with_%o_is_gone_as_%s', (run, view, gone) => {
  expect(goneOf({ ...RUN, ...run }, RUN.rules, view && { ...VIEW, ...view })).toBe(gone)
})
