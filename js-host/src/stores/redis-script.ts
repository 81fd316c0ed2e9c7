/**
 * What a Redis server does for a room: one script, one call, all or nothing. Decides what an append, a push and a
 * note change, and what a read finds. Bytes are base64 here, which the script never opens: the same rooms can be
 * reached by a client that speaks JSON.
 *
 * Keys of a room, with one hash tag, so that a cluster keeps them together:
 *
 * | key | what |
 * |---|---|
 * | `:head` | hash: `item`, the last number of the inbox; `bytes` in the inbox; `attempt` |
 * | `:log` | stream: frame v has the id `v-0`, so that no place is taken twice, trimmed or not |
 * | `:inbox` | stream: item n has the id `n-0` |
 * | `:lease` | the version of the frame that renewed it; expires with it |
 * | `:snaps` | hash: version → hash of its frame, snapshot |
 * | `:archive` | hash: number of a segment → its frames, as the host packed them |
 *
 * A head that was evicted, or never replicated, is made again from the inbox. Frames leave the stream only when they
 * are archived and older than the newest `RING`. A log that is gone is an empty room: keep Redis from evicting.
 */

/** Where frames of a room are published, for whoever listens at that moment. */
export function channelOf(prefix: string, room: string): string {
  return `${prefix}{${room}}:live`
}

/** The keys that the script is given, in its order. */
export function keysOf(prefix: string, room: string): string[] {
  return ['head', 'log', 'inbox', 'lease', 'snaps', 'archive'].map((part) => `${prefix}{${room}}:${part}`)
}

/**
 * ARGV: what to do, then the numbers `RING`, `RECENT_BYTES`, `SEGMENT`, `MAX_INBOX_ITEMS`, `MAX_INBOX_BYTES`; then the read
 * (known version and hash, since, block or 0); then what belongs to the call. Hashes and bytes are base64, an absent
 * one is empty.
 */
export const SCRIPT = `
local head, log, inbox, lease, snaps, archive = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local what = ARGV[1]
local RING, RECENT_BYTES, SEGMENT = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local MAX_ITEMS, MAX_BYTES = tonumber(ARGV[5]), tonumber(ARGV[6])
local known_v, known_hash, since, block = tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
local NOTHING = 'AAAAAAAAAAAAAAAAAAAAAA=='

local function id(v) return string.format('%d-0', v) end
local function number(id) return tonumber(string.match(id, '^%d+')) end
-- Bytes that base64 stands for.
local function length(text)
  local unused = string.sub(text, -2) == '==' and 2 or string.sub(text, -1) == '=' and 1 or 0
  return #text / 4 * 3 - unused
end
-- The fields of a stream's entry.
local function fields(entry)
  local all = {}
  for i = 1, #entry[2], 2 do all[entry[2][i]] = entry[2][i + 1] end
  return all
end
local function frame(v)
  if v < 1 then return nil end
  local found = redis.call('XRANGE', log, id(v), id(v))[1]
  return found and fields(found)
end

-- Which frame is the last, the stream alone tells.
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
local v, hash = last and number(last[1]) or 0, last and fields(last).h or NOTHING
local row = redis.call('HMGET', head, 'item', 'bytes', 'attempt')
local item, bytes, attempt
if row[1] then
  item, bytes, attempt = tonumber(row[1]), tonumber(row[2]), row[3] or ''
else
  item, bytes, attempt = 0, 0, ''
  if redis.call('EXISTS', inbox) == 1 then
    local info = redis.call('XINFO', 'STREAM', inbox)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then item = number(info[i + 1]) end
    end
    for _, each in ipairs(redis.call('XRANGE', inbox, '-', '+')) do bytes = bytes + length(fields(each).b) end
  end
end

local function keep_head()
  redis.call('HSET', head, 'item', string.format('%d', item), 'bytes', string.format('%d', bytes), 'attempt', attempt)
end
local function keep_note(was, now)
  if attempt == was then attempt = now end
end
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local done = 0
if what == 'append' then
  -- v, previous, hash, frame, lease_ms, snapshot, whether there is a note, was, now, channel, published, framed ...
  local at = tonumber(ARGV[11])
  if at == v + 1 and ARGV[12] == hash then
    redis.call('XADD', log, id(at), 'h', ARGV[13], 'f', ARGV[14])
    -- What is left of a log that is gone is of another history.
    if at == 1 then redis.call('DEL', snaps, archive) end
    v, hash, done = at, ARGV[13], 1
    local lease_ms = tonumber(ARGV[15])
    if lease_ms > 0 then redis.call('SET', lease, ARGV[11], 'PX', ARGV[15]) else redis.call('DEL', lease) end
    for i = 22, #ARGV do
      local key = id(tonumber(ARGV[i]))
      local gone = redis.call('XRANGE', inbox, key, key)[1]
      if gone then
        bytes = bytes - length(fields(gone).b)
        redis.call('XDEL', inbox, key)
      end
    end
    if ARGV[16] ~= '' then
      redis.call('HSET', snaps, ARGV[11], hash .. ARGV[16])
      local kept = redis.call('HKEYS', snaps)
      table.sort(kept, function(one, other) return tonumber(one) > tonumber(other) end)
      for i = 3, #kept do redis.call('HDEL', snaps, kept[i]) end
    end
    if ARGV[17] == '1' then keep_note(ARGV[18], ARGV[19]) end
    keep_head()
    if ARGV[20] ~= '' then redis.call('PUBLISH', ARGV[20], ARGV[21]) end
  else
    local there = at > v - RING and at <= v and frame(at)
    if there and there.h == ARGV[13] then done = 1 end
  end
elseif what == 'push' then
  -- items ...
  local more = 0
  for i = 11, #ARGV do more = more + length(ARGV[i]) end
  if redis.call('XLEN', inbox) + #ARGV - 10 <= MAX_ITEMS and bytes + more <= MAX_BYTES then
    for i = 11, #ARGV do
      item = item + 1
      redis.call('XADD', inbox, id(item), 't', string.format('%d', now_ms), 'b', ARGV[i])
    end
    bytes, done = bytes + more, 1
    keep_head()
  end
elseif what == 'note' then
  -- was, now
  if known_v == v and known_hash == hash then
    keep_note(ARGV[11], ARGV[12])
    keep_head()
  end
elseif what == 'release' then
  -- version
  if redis.call('GET', lease) == ARGV[11] then done = redis.call('DEL', lease) end
  return done
elseif what == 'seal' then
  -- segment, hash of its last frame, its frames packed
  local segment = tonumber(ARGV[11])
  local last = frame(segment * SEGMENT)
  if last and last.h == ARGV[12] then
    redis.call('HSETNX', archive, ARGV[11], ARGV[13])
    local keep = math.min(v - RING + 1, segment * SEGMENT + 1)
    if keep > 1 then redis.call('XTRIM', log, 'MINID', id(keep)) end
    done = 1
  end
  return done
end

-- What is found, after the write.
local found = { done, now_ms, v, hash }
local trimmed = known_v > 0 and known_v <= v - RING
local there = known_v <= v and not trimmed and frame(known_v)
found[5] = there and there.h or ''
found[6] = trimmed and 1 or 0

-- Recent frames from a version on, newest first; fewer if they are too many bytes.
local function recent(from)
  local all, size, at = {}, 0, v
  from = math.max(from, v - RING + 1, 1)
  while at >= from do
    local some = redis.call('XREVRANGE', log, id(at), id(from), 'COUNT', 64)
    if #some == 0 then break end
    for _, each in ipairs(some) do
      if number(each[1]) ~= at then return all end
      local f = fields(each).f
      size = size + length(f)
      if size > RECENT_BYTES then return all end
      all[#all + 1] = f
      at = at - 1
    end
  end
  return all
end

local frames, snapshot, base, sealed = nil, '', 0, {}
if there and known_v > 0 and there.h == known_hash then
  frames = recent(math.min(known_v, since) + 1)
  if #frames < v - known_v then frames = nil end
end
if not frames then
  local kept = redis.call('HKEYS', snaps)
  table.sort(kept, function(one, other) return tonumber(one) > tonumber(other) end)
  for _, key in ipairs(kept) do
    local at, bytes = tonumber(key), redis.call('HGET', snaps, key)
    -- An archived frame was on this chain when it left the stream, and so was its snapshot.
    local of = at > v - RING and frame(at)
    if at <= v - RING or (of and string.sub(bytes, 1, #of.h) == of.h) then
      snapshot, base = string.sub(bytes, 25), at
      break
    end
  end
  frames = recent(math.min(base, since) + 1)
  -- Those after the snapshot that are not recent: from the stream, or else from the archive.
  local oldest = v - #frames + 1
  if base + 1 < oldest then
    local first = redis.call('XRANGE', log, id(base + 1), id(oldest - 1), 'COUNT', 1)[1]
    first = first and number(first[1]) or oldest
    local older = redis.call('XREVRANGE', log, id(oldest - 1), id(first))
    for _, each in ipairs(older) do frames[#frames + 1] = fields(each).f end
    for segment = math.floor(base / SEGMENT) + 1, math.ceil((first - 1) / SEGMENT) do
      local key = string.format('%d', segment)
      sealed[#sealed + 1] = key
      sealed[#sealed + 1] = redis.call('HGET', archive, key) or ''
    end
  end
end
found[7], found[8], found[9], found[10] = snapshot, base, frames, sealed

local waiting = {}
for _, each in ipairs(redis.call('XRANGE', inbox, '-', '+')) do
  local of = fields(each)
  waiting[#waiting + 1] = number(each[1])
  waiting[#waiting + 1] = tonumber(of.t)
  waiting[#waiting + 1] = of.b
end
found[11] = waiting
local left_ms = redis.call('PTTL', lease)
-- In its last millisecond it still is one.
if left_ms == 0 then left_ms = 1 end
found[12] = left_ms > 0 and tonumber(redis.call('GET', lease)) or 0
found[13] = left_ms
found[14] = attempt

-- A block: as it was archived, or still in the stream. And what is to be archived next.
local function segment_of(number)
  local kept = redis.call('HGET', archive, string.format('%d', number))
  if kept then return { kept } end
  local some, all = redis.call('XRANGE', log, id((number - 1) * SEGMENT + 1), id(number * SEGMENT)), { '' }
  if #some < SEGMENT then return {} end
  for _, each in ipairs(some) do all[#all + 1] = fields(each).f end
  all[#all + 1] = fields(some[#some]).h
  return all
end
found[15] = (block > 0 and block % SEGMENT == 0 and block <= v) and segment_of(block / SEGMENT) or {}
found[16], found[17] = 0, {}
if what == 'append' and done == 1 and v % SEGMENT == 0 then
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local segment = math.ceil(number(first[1]) / SEGMENT)
  while segment <= v / SEGMENT and redis.call('HEXISTS', archive, string.format('%d', segment)) == 1 do segment = segment + 1 end
  if segment <= v / SEGMENT then found[16], found[17] = segment, segment_of(segment) end
end
return found
`
