/** Each fault does what it says, and nothing when it is off. */

import { realtime } from '@devvit/realtime/server'
import { redis } from '@devvit/redis'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Connection } from '../../js-host/devvit/local/connection'
import { NO_FAULTS, parseFaults } from '../../js-host/devvit/local/faults'
import { SENT } from '../../js-host/devvit/local/realtime'
import { as, fresh, Local } from './in-process'

let local: Local
beforeAll(async () => {
  local = await Local.start()
})
afterEach(() => local?.faults())
afterAll(() => local?.stop())

const alone = <T>(work: () => Promise<T>): Promise<T> => as(fresh(), work)
const pause = (ms: number) => new Promise((later) => setTimeout(later, ms))
const LOST = 'DEADLINE_EXCEEDED'

test('refused_is_not_done', () =>
  alone(async () => {
    local.faults({ refuse: 1 })
    await expect(redis.set('key', 'value')).rejects.toThrow(LOST)
    local.faults()
    await pause(50)
    expect(await redis.get('key')).toBeUndefined()
  }))

test('lost_is_done', () =>
  alone(async () => {
    local.faults({ lose: 1 })
    await expect(redis.set('key', 'value')).rejects.toThrow(LOST)
    local.faults()
    expect(await redis.get('key')).toBe('value')
  }))

test('late_is_done_later_and_of_writes_only', () =>
  alone(async () => {
    local.faults({ late: 1, late_ms: 2_000 })
    await expect(redis.set('key', 'value')).rejects.toThrow(LOST)
    expect(await redis.get('key')).toBeUndefined()
    await vi.waitFor(async () => expect(await redis.get('key')).toBe('value'), { timeout: 30_000 })
  }))

test('slow_takes_as_long_as_it_says', () =>
  alone(async () => {
    local.faults({ delay_ms: 200 })
    const began_ms = Date.now()
    await redis.set('key', 'value')
    expect(Date.now() - began_ms).toBeGreaterThanOrEqual(190)
    local.faults()
    // However slow the machine is, once it is quicker than that.
    await vi.waitFor(
      async () => {
        const then_ms = Date.now()
        await redis.set('key', 'value')
        expect(Date.now() - then_ms).toBeLessThan(150)
      },
      { timeout: 30_000 },
    )
  }))

test('only_the_named_calls_meet_trouble', () =>
  alone(async () => {
    local.faults({ refuse: 1, only: ['HSetNX'] })
    await redis.set('key', 'value')
    await expect(redis.hSetNX('hash', 'field', 'value')).rejects.toThrow(LOST)
  }))

describe('stale', () => {
  test('a_get_is_answered_as_it_was', () =>
    alone(async () => {
      await redis.set('key', 'old')
      expect(await redis.get('key')).toBe('old')
      await redis.set('key', 'new')
      local.faults({ stale: 1, stale_ms: 60_000 })
      expect(await redis.get('key')).toBe('old')
      local.faults()
      expect(await redis.get('key')).toBe('new')
    }))

  test('absence_is_remembered_too', () =>
    alone(async () => {
      expect(await redis.get('key')).toBeUndefined()
      await redis.set('key', 'new')
      local.faults({ stale: 1, stale_ms: 60_000 })
      expect(await redis.get('key')).toBeUndefined()
    }))

  test('nothing_older_than_said_is_served', () =>
    alone(async () => {
      await redis.set('key', 'old')
      await redis.get('key')
      await redis.set('key', 'new')
      await pause(100)
      local.faults({ stale: 1, stale_ms: 50 })
      expect(await redis.get('key')).toBe('new')
    }))

  test('reads_of_hashes_are_fresh_unless_they_are_asked_for', () =>
    alone(async () => {
      await redis.hSet('hash', { field: 'old' })
      await redis.hGet('hash', 'field')
      await redis.hGetAll('hash')
      await redis.hSet('hash', { field: 'new' })
      local.faults({ stale: 1, stale_ms: 60_000 })
      expect(await redis.hGet('hash', 'field')).toBe('new')
      local.faults({ stale: 1, stale_ms: 60_000, stale_reads: 'all' })
      expect(await redis.hGet('hash', 'field')).toBe('old')
      expect(await redis.hGetAll('hash')).toEqual({ field: 'old' })
    }))

  test('another_installation_is_answered_its_own', async () => {
    const [one, other] = [fresh(), fresh()]
    await as(one, () => redis.set('key', 'one'))
    await as(one, () => redis.get('key'))
    local.faults({ stale: 1, stale_ms: 60_000 })
    expect(await as(other, () => redis.get('key'))).toBeUndefined()
  })
})

describe('messages', () => {
  async function heard(work: () => Promise<void>, count: number): Promise<unknown[]> {
    const messages: unknown[] = []
    const listener = await Connection.open(local.url)
    await listener.listen(SENT, (message) => messages.push(JSON.parse(message).data.msg))
    await alone(work)
    await vi.waitFor(() => expect(messages).toHaveLength(count), { timeout: 30_000 })
    await pause(50)
    listener.close()
    return messages
  }

  test('dropped_are_heard_by_nobody', async () => {
    const work = async () => {
      local.faults({ drop_message: 1 })
      await realtime.send('room', 1)
      local.faults()
      await realtime.send('room', 2)
    }
    expect(await heard(work, 1)).toEqual([2])
  })

  test('duplicated_are_heard_twice', async () => {
    local.faults({ duplicate_message: 1 })
    expect(await heard(() => realtime.send('room', 1), 2)).toEqual([1, 1])
  })

  test('reordered_are_heard_after_the_next_or_a_little_later', async () => {
    const work = async () => {
      local.faults({ reorder_message: 1 })
      await realtime.send('room', 1)
      local.faults()
      await realtime.send('room', 2)
    }
    expect(await heard(work, 2)).toEqual([2, 1])
    local.faults({ reorder_message: 1 })
    expect(await heard(() => realtime.send('room', 3), 1)).toEqual([3])
  })
})

test.each([
  { refuse: 2 },
  { refuse: '1' },
  { refused: 1 },
  { only: 'Get' },
  { stale_reads: 'some' },
  { delay_ms: -1 },
  null,
])('what_is_no_fault_is_refused %j', (from) => {
  expect(() => parseFaults(from)).toThrow(TypeError)
  expect(parseFaults({ ...NO_FAULTS })).toEqual(NO_FAULTS)
})
