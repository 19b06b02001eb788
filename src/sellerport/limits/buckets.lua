-- The buckets of `sellerport.limits`, in Redis: what `_Bucket` and `Limits` do, atomically and by the server's clock.
--
-- KEYS: for each of a call's buckets a hash, a sorted set of the places of those who wait, and a hash of when they are
--   given up unless they ask again.
-- ARGV: what is asked for, the time (empty for the server's), then the call's: due, sent, passed, waits, most_s; the
--   rate that Amazon stated; then for each bucket: rate and burst of the catalogue, and the call's place.
-- Returns: seconds to wait, the time, passed, waits, Amazon's rate, and the call's places.
--
-- What is in capitals and not declared here is set by the lines that `redis.py` puts before this one.

local asked = ARGV[1]
local now = tonumber(ARGV[2])
local due, sent, passed, waits, most_s = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1', tonumber(ARGV[7])
local stated_rate = tonumber(ARGV[8])
local BUCKETS = #KEYS / 3

if now then
  now = math.max(now, due)
else
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1000000
  now = math.max(now, math.min(due, now + 1)) -- the clock of another server, after a failover, may be far from it
end

local function number(text)
  return text ~= '' and tonumber(text) or nil
end

local function text(value)
  return value and string.format('%.17g', value) or ''
end

local function open(i)
  local b = {hash = KEYS[3 * i - 2], queue = KEYS[3 * i - 1], leases = KEYS[3 * i], place = tonumber(ARGV[8 + 3 * i])}
  local v = redis.call('HMGET', b.hash, 'rate', 'burst', 'level', 'at', 'stated', 'share', 'calls', 'refused', 'arrivals')
  if v[2] then
    b.rate, b.burst, b.level, b.at = number(v[1]), tonumber(v[2]), tonumber(v[3]), tonumber(v[4])
    b.stated, b.share, b.calls = v[5] == '1', tonumber(v[6]), tonumber(v[7])
    b.refused, b.arrivals = tonumber(v[8]), tonumber(v[9])
  else
    b.rate = number(ARGV[6 + 3 * i])
    b.burst = math.max(1, number(ARGV[7 + 3 * i]) or b.rate or 1)
    b.level, b.at, b.stated, b.share, b.calls, b.refused, b.arrivals = b.burst, now, b.rate ~= nil, 1, UNREFUSED, 0, 0
  end
  b.at = math.min(b.at, now + SLACK_S) -- unless the clock went back, it is
  return b
end

local function close(b)
  redis.call(
    'HSET', b.hash, 'rate', text(b.rate), 'burst', text(b.burst), 'level', text(b.level), 'at', text(b.at),
    'stated', b.stated and '1' or '0', 'share', text(b.share), 'calls', text(b.calls), 'refused', text(b.refused),
    'arrivals', text(b.arrivals)
  )
  redis.call('EXPIRE', b.hash, IDLE_S)
end

local function level(b)
  if not b.rate then
    return b.burst
  end
  return math.min(b.burst, b.level + math.max(0, now - b.at) * b.rate * b.share)
end

local function leave(b)
  redis.call('ZREM', b.queue, b.place)
  redis.call('HDEL', b.leases, b.place)
end

local function stay(b)
  redis.call('ZADD', b.queue, b.place, b.place)
  redis.call('HSET', b.leases, b.place, text(now + LEASE_S))
  redis.call('EXPIRE', b.queue, IDLE_S)
  redis.call('EXPIRE', b.leases, IDLE_S)
end

local function ahead(b)
  local first = redis.call('ZRANGE', b.queue, 0, 0)[1]
  while first and tonumber(redis.call('HGET', b.leases, first) or 0) < now do
    redis.call('ZREM', b.queue, first)
    redis.call('HDEL', b.leases, first)
    first = redis.call('ZRANGE', b.queue, 0, 0)[1]
  end
  return redis.call('ZCOUNT', b.queue, '-inf', '(' .. b.place)
end

local function take(b)
  if not b.rate then
    b.at = now
    return 0
  end
  local rate, has, held = b.rate * b.share, level(b), math.max(0, b.at - now)
  local missing = ahead(b) + 1 - has
  if missing > ROUNDING then
    return math.max(SHORTEST_NAP_S, held + missing / rate)
  end
  local passed_s = math.max(0, now - b.at)
  local slack = math.min(SLACK_S, math.max(0.04, math.min(4, b.burst - 1)) / rate)
  b.at = now + held + math.max(0, (has - b.burst) / rate + math.max(0, slack - held))
  b.level = has - 1
  b.calls = b.calls + 1
  if waits then
    local more = 1 + b.calls * MORE + passed_s / RECOVERY_S
    b.share = math.min(b.share * more, b.stated and STATED_MOST or GUESSED_MOST)
  end
  return 0
end

local function put_back(b)
  b.level, b.at = math.min(b.burst, level(b) + 1), math.max(b.at, now)
end

local buckets = {}
for i = 1, BUCKETS do
  buckets[i] = open(i)
end

local function give_back()
  for i, b in ipairs(buckets) do
    if i <= passed then
      put_back(b)
      close(b)
    else
      leave(b)
    end
  end
end

local function reserve()
  while passed < BUCKETS do
    local b = buckets[passed + 1]
    if b.place == 0 then
      b.arrivals = b.arrivals + 1
      b.place = b.arrivals
    end
    local pause = take(b)
    if pause > most_s then
      give_back()
      return pause
    end
    close(b)
    if pause > 0 then
      stay(b)
      waits = true
      return pause
    end
    if waits then
      leave(b)
    end
    waits = false
    passed = passed + 1
  end
  passed, sent = 0, now
  return 0
end

local function learn()
  local b = buckets[1]
  if b.stated and b.rate == stated_rate then
    return
  end
  b.level, b.at = level(b), math.max(b.at, now)
  if not b.rate then
    b.burst = math.max(1, stated_rate)
    b.level = b.burst
  end
  b.rate, b.share, b.stated = stated_rate, 1, true
  close(b)
end

local function throttled()
  for i, b in ipairs(buckets) do
    if sent > b.refused then
      b.rate = b.rate or 1
      if i == 1 and b.calls < UNREFUSED then
        b.share = math.max(b.share * (1 - 1 / (b.calls + 4)), b.stated and STATED_LEAST or GUESSED_LEAST)
      end
      b.level, b.at, b.calls, b.refused = 0, now, 0, now
      close(b)
    end
  end
end

local pause = 0
if asked == 'reserve' then
  pause = reserve()
elseif asked == 'give_back' then
  give_back()
elseif asked == 'learn' then
  learn()
else
  throttled()
end

local answer = {text(pause), text(now), passed, waits and 1 or 0, buckets[1].stated and text(buckets[1].rate) or ''}
for _, b in ipairs(buckets) do
  answer[#answer + 1] = b.place
end
return answer
