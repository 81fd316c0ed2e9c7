/**
 * What a store and a page rely on of Devvit, one fact a test: the real packages → the local plugins → a real Redis. Where
 * the fact is the package's own, it is held; where it is the platform's, this only says that the emulation has it.
 */

import { realtime } from '@devvit/realtime/server'
import { reddit } from '@devvit/reddit'
import { redis } from '@devvit/redis'
import { createServer } from '@devvit/server'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Connection } from '../../js-host/devvit/local/connection'
import { SENT } from '../../js-host/devvit/local/realtime'
import { as, fresh, Local } from './in-process'

let local: Local
beforeAll(async () => {
  local = await Local.start()
  // It says how to find the request that is served, as the app's own does.
  createServer(() => {})
})
afterAll(() => local?.stop())

/** As a request to an installation that nobody has used. */
const alone = <T>(work: () => Promise<T>): Promise<T> => as(fresh(), work)
const pause = (ms: number) => new Promise((later) => setTimeout(later, ms))

describe('strings', () => {
  test('set_says_ok_and_nothing_when_nx_refuses', () =>
    alone(async () => {
      expect(await redis.set('key', 'one', { nx: true })).toBe('OK')
      expect(await redis.set('key', 'two', { nx: true })).toBe('')
      expect(await redis.get('key')).toBe('one')
      expect(await redis.set('other', 'two', { xx: true } as never)).toBe('')
      expect(await redis.get('other')).toBeUndefined()
    }))

  test('expiry_is_floored_to_whole_seconds_and_at_least_one', async () => {
    const installation = fresh()
    await as(installation, async () => {
      for (const [key, after_ms] of Object.entries({ short: 300, middle: 1_400, long: 2_900 })) {
        await redis.set(key, '', { expiration: new Date(Date.now() + after_ms) })
      }
    })
    const left = async (key: string) => Number(await local.raw.send(['PTTL', `of:${installation}:${key}`]))
    expect(Math.ceil((await left('short')) / 1_000)).toBe(1)
    expect(Math.ceil((await left('middle')) / 1_000)).toBe(1)
    expect(Math.ceil((await left('long')) / 1_000)).toBe(2)
  })

  test('get_of_what_is_absent_is_undefined_and_of_nothing_is_nothing', () =>
    alone(async () => {
      expect(await redis.get('key')).toBeUndefined()
      expect(await redis.getBuffer('key')).toBeUndefined()
      await redis.set('key', '')
      expect(await redis.get('key')).toBe('')
    }))

  test('m_get_has_null_for_nothing_and_for_what_is_absent', () =>
    alone(async () => {
      await redis.mSet({ one: '1', empty: '' })
      expect(await redis.mGet(['one', 'empty', 'absent'])).toEqual(['1', null, null])
    }))

  test('get_range_of_what_is_absent_is_nothing', () =>
    alone(async () => {
      expect(await redis.getRange('key', 0, 3)).toBe('')
      await redis.set('key', 'abcdef')
      expect(await redis.getRange('key', 1, 3)).toBe('bcd')
      expect(await redis.strLen('key')).toBe(6)
    }))

  test('del_takes_several', () =>
    alone(async () => {
      await redis.mSet({ one: '1', two: '2', three: '3' })
      await redis.del('one', 'two', 'absent')
      expect(await redis.exists('one', 'two', 'three')).toBe(1)
    }))

  test('bytes_do_not_survive_in_strings', () =>
    alone(async () => {
      await redis.set('bytes', '\xff')
      expect(await redis.strLen('bytes')).toBe(2)
      expect([...((await redis.getBuffer('bytes')) ?? [])]).toEqual([0xc3, 0xbf])
      await redis.set('surrogate', '\ud800')
      expect(await redis.get('surrogate')).toBe('\ufffd')
    }))

  test('numbers_bits_and_names_can_be_changed', () =>
    alone(async () => {
      expect(await redis.incrBy('number', 5)).toBe(5)
      expect(await redis.bitfield('bits', 'set', 'u8', 0, 7, 'incrBy', 'u8', 0, 3)).toEqual([0, 10])
      await redis.rename('number', 'renamed')
      expect(await redis.get('renamed')).toBe('5')
      expect(await redis.type('renamed')).toBe('string')
    }))
})

describe('hashes', () => {
  test('h_set_nx_sets_once_and_fails_on_a_string', () =>
    alone(async () => {
      expect(await redis.hSetNX('hash', 'field', 'one')).toBe(1)
      expect(await redis.hSetNX('hash', 'field', 'two')).toBe(0)
      expect(await redis.hGet('hash', 'field')).toBe('one')
      await redis.set('string', 'sealed')
      await expect(redis.hSetNX('string', 'field', 'one')).rejects.toThrow('WRONGTYPE')
      expect(await redis.get('string')).toBe('sealed')
    }))

  test('h_m_get_has_null_for_nothing_and_for_what_is_absent', () =>
    alone(async () => {
      await redis.hSet('hash', { one: '1', empty: '' })
      expect(await redis.hMGet('hash', ['one', 'empty', 'absent'])).toEqual(['1', null, null])
      expect(await redis.hGet('hash', 'empty')).toBe('')
      expect(await redis.hGet('hash', 'absent')).toBeUndefined()
    }))

  test('h_get_all_of_what_is_absent_is_empty', () =>
    alone(async () => {
      expect(await redis.hGetAll('hash')).toEqual({})
      await redis.hSet('hash', { one: '1', two: '2' })
      expect(await redis.hGetAll('hash')).toEqual({ one: '1', two: '2' })
      expect((await redis.hKeys('hash')).sort()).toEqual(['one', 'two'])
    }))

  test('h_del_says_how_many', () =>
    alone(async () => {
      await redis.hSet('hash', { one: '1', two: '2', three: '3' })
      expect(await redis.hDel('hash', ['one', 'two', 'absent'])).toBe(2)
      expect(await redis.hGetAll('hash')).toEqual({ three: '3' })
    }))

  test('h_len_brings_no_metadata_and_is_of_its_installation_all_the_same', async () => {
    const [one, other] = [fresh(), fresh()]
    await as(one, () => redis.hSet('hash', { one: '1', two: '2' }))
    await as(other, () => redis.hSet('hash', { one: '1' }))
    expect(await as(one, () => redis.hLen('hash'))).toBe(2)
    expect(await as(other, () => redis.hLen('hash'))).toBe(1)
  })
})

describe('sorted sets', () => {
  test('z_range_ends_after_a_thousand', () =>
    alone(async () => {
      const members = Array.from({ length: 1_100 }, (_, score) => ({ member: `member ${score}`, score }))
      await redis.zAdd('set', ...members)
      expect(await redis.zRange('set', 0, -1)).toEqual(members.slice(0, 1_000))
      expect((await redis.zRange('set', 5, 2_000, { by: 'score' })).length).toBe(1_000)
      expect(await redis.zRange('set', 3, 4, { by: 'score', reverse: true })).toEqual([members[4], members[3]])
    }))

  test('members_have_scores_and_ranks_or_neither', () =>
    alone(async () => {
      await redis.zAdd('set', { member: 'b', score: 2.5 }, { member: 'a', score: 1 })
      expect(await redis.zScore('set', 'b')).toBe(2.5)
      expect(await redis.zRank('set', 'b')).toBe(1)
      expect(await redis.zScore('set', 'absent')).toBeUndefined()
      expect(await redis.zRange('set', '[a', '[b', { by: 'lex' })).toHaveLength(2)
      expect(await redis.zRem('set', ['a'])).toBe(1)
      expect(await redis.zCard('set')).toBe(1)
    }))
})

describe('transactions', () => {
  test('a_conflict_throws_and_nothing_was_done', () =>
    alone(async () => {
      const transaction = await redis.watch('key')
      await transaction.multi()
      await transaction.set('key', 'mine')
      await redis.set('key', 'theirs')
      await expect(transaction.exec()).rejects.toThrow('2 UNKNOWN: redis: transaction failed')
      expect(await redis.get('key')).toBe('theirs')
    }))

  test('what_was_queued_is_done_at_once_and_answered_in_order', () =>
    alone(async () => {
      const transaction = await redis.watch('key')
      await transaction.multi()
      await transaction.incrBy('key', 2)
      await transaction.hSet('hash', { field: 'value' })
      await transaction.get('absent')
      expect(await redis.get('key')).toBeUndefined()
      expect(await transaction.exec()).toEqual([2, 1, null])
    }))

  test('twenty_are_open_at_once_over_all_processes', async () => {
    const installation = fresh()
    const ten = () => Promise.all(Array.from({ length: 10 }, () => redis.watch('key')))
    await as(installation, async () => {
      const first = await ten()
      // In place of the first, as a request of another process would find it.
      const other = await Local.install(local.url)
      const open = [...first, ...(await ten())]
      await expect(redis.watch('key')).rejects.toThrow('RESOURCE_EXHAUSTED')
      await first[0]?.discard()
      const again = await redis.watch('key')
      await Promise.all([again, ...open.slice(1)].map((each) => each.discard()))
      local.replace(other)
    })
    expect(await local.raw.send(['ZCARD', `local:transactions:${installation}`])).toBe(0)
  })

  test('each_lasts_five_seconds', () =>
    alone(async () => {
      const transaction = await redis.watch('key')
      await transaction.multi()
      await transaction.set('key', 'late')
      await pause(5_200)
      await expect(transaction.exec()).rejects.toThrow('there is no transaction')
      expect(await redis.get('key')).toBeUndefined()
    }))

  test('contended_increments_lose_some_and_count_none_twice', () =>
    alone(async () => {
      const increment = async () => {
        const transaction = await redis.watch('key')
        const before = Number((await redis.get('key')) ?? 0)
        await transaction.multi()
        await transaction.set('key', String(before + 1))
        await transaction.exec()
      }
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, increment))
      const done = outcomes.filter(({ status }) => status === 'fulfilled').length
      expect(done).toBeGreaterThan(0)
      expect(done).toBeLessThan(20)
      expect(Number(await redis.get('key'))).toBe(done)
    }))
})

describe('installations and limits', () => {
  test('installations_do_not_see_each_others_keys', async () => {
    const [one, other] = [fresh(), fresh()]
    await as(one, () => redis.set('key', 'one'))
    expect(await as(other, () => redis.get('key'))).toBeUndefined()
    expect(await as(one, () => redis.get('key'))).toBe('one')
    await as(one, () => redis.global.set('key', 'shared'))
    expect(await as(other, () => redis.global.get('key'))).toBe('shared')
  })

  test('without_an_installation_nothing_is_done', async () => {
    await expect(as(undefined, () => redis.set('key', 'value'))).rejects.toThrow('devvit-installation')
  })

  test('a_request_is_at_most_five_megabytes', () =>
    alone(async () => {
      await redis.set('key', 'x'.repeat(5 * 1024 * 1024 - 100))
      await expect(redis.set('other', 'x'.repeat(5 * 1024 * 1024))).rejects.toThrow('RESOURCE_EXHAUSTED')
      expect(await redis.exists('key', 'other')).toBe(1)
    }))

  test('what_is_not_emulated_says_so', () =>
    alone(async () => {
      await expect(reddit.getUserByUsername('alice')).rejects.toThrow(/Users\.\w+ is not emulated/)
    }))

  test('a_custom_post_is_made_and_kept', async () => {
    const installation = fresh()
    const post = await as(installation, () => reddit.submitCustomPost({ title: 'A round', entry: 'game' }))
    expect([post.id, post.title, post.url]).toEqual(['t3_local1', 'A round', 'http://127.0.0.1:1/?post=t3_local1'])
    const kept = JSON.parse(String(await local.raw.send(['HGET', `local:posts:${installation}`, post.id])))
    expect(kept).toMatchObject({ entry: 'game', data: null })
  })
})

describe('realtime', () => {
  test('a_message_goes_out_under_its_installation', async () => {
    const installation = fresh()
    const heard: string[] = []
    const listener = await Connection.open(local.url)
    await listener.listen(SENT, (message) => heard.push(message))
    await as(installation, () => realtime.send('room_1', { frames: ['a'] }))
    await vi.waitFor(() => expect(heard).toHaveLength(1), { timeout: 30_000 })
    expect(JSON.parse(heard[0] ?? '')).toEqual({
      channel: `${installation}:room_1`,
      data: { msg: { frames: ['a'] } },
    })
    listener.close()
  })

  test.each(['', 'a-b', 'a:b', 'a/b', 'ä'])('a_channel_cannot_be_named_%j', (channel) =>
    alone(() => expect(realtime.send(channel, {})).rejects.toThrow('INVALID_ARGUMENT')),
  )

  test('a_message_is_at_most_a_megabyte', () =>
    alone(async () => {
      await realtime.send('room', { text: 'x'.repeat(1024 * 1024 - 200) })
      await expect(realtime.send('room', { text: 'x'.repeat(1024 * 1024) })).rejects.toThrow('RESOURCE_EXHAUSTED')
    }))

  test('an_installation_sends_a_hundred_messages_a_second', async () => {
    const [one, other] = [fresh(), fresh()]
    const send = () => as(one, () => realtime.send('room', {}))
    // Over three seconds of the clock at most, were it slow.
    const outcomes = await Promise.allSettled(Array.from({ length: 310 }, send))
    const refused = outcomes.filter((each) => each.status === 'rejected')
    expect(refused.length).toBeGreaterThanOrEqual(10)
    expect(String(refused[0]?.reason)).toContain('100 messages a second')
    await as(other, () => realtime.send('room', {}))
  })

  test('the_client_matches_channels_by_their_end_and_reads_data_msg', async () => {
    const got: unknown[] = []
    const posted: unknown[] = []
    const listeners = new Set<(event: object) => void>()
    vi.stubGlobal('addEventListener', (_: string, listener: (event: object) => void) => listeners.add(listener))
    vi.stubGlobal('parent', { postMessage: (message: unknown) => posted.push(message) })
    try {
      // Its entry is for browsers only, and throws in Node.
      const path = '../../js-host/node_modules/@devvit/realtime/client/realtime.js'
      const { connectRealtime } = (await import(path)) as typeof import('@devvit/realtime/client')
      connectRealtime({
        channel: 'room_1',
        onConnect: (channel) => got.push(['connected', channel]),
        onMessage: (message) => got.push(message),
      })
      expect(posted).toMatchObject([{ type: 'devvit-internal', realtime: { subscriptionIds: ['room_1'] } }])
      const tell = (realtimeEvent: object) => {
        for (const listener of listeners) listener({ data: { type: 'devvit-message', data: { realtimeEvent } } })
      }
      tell({ status: 0, event: { channel: 'inst:room_1' } })
      tell({ event: { channel: 'inst:room_1', data: { msg: 'mine' } } })
      tell({ event: { channel: 'inst:other_room_1', data: { msg: 'whose name ends so' } } })
      tell({ event: { channel: 'inst:room_12', data: { msg: 'not mine' } } })
      expect(got).toEqual([['connected', 'room_1'], 'mine', 'whose name ends so'])
      expect(() => connectRealtime({ channel: 'a-b', onMessage: () => {} })).toThrow('invalid channel name')
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

test('a_server_ends_over_a_request_without_a_subreddit', async () => {
  const { spawn } = await import('node:child_process')
  const { resolve } = await import('node:path')
  const at = resolve(import.meta.dirname, '../../js-host')
  const script = `import { createServer } from '@devvit/server'
    const server = createServer((_, answer) => answer.end('served')).listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + server.address().port
      const served = await fetch(url, { headers: { 'devvit-subreddit': 't5_local' } })
      console.log(await served.text())
      await fetch(url).catch(() => {})
      console.log('survived')
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: at })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (some) => (said += String(some)))
  const code = await new Promise((ended) => child.once('exit', ended))
  expect(code).toBe(1)
  expect(said).toContain('served\n')
  expect(said).toContain('subreddit is missing from Context')
  expect(said).not.toContain('survived')
})
