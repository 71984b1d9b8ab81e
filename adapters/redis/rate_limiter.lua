-- Sliding windows: a hash of each key has the permits taken in each slice of time.
-- ARGV[1]: slices that a window can touch. Then for each request: the permits to take, or -1 to return one, the number of
-- its keys, and of each key the permits and the milliseconds of a slice.
-- Returns for each key the permits in use before the request, and the milliseconds until the first is free.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local counted_slices = tonumber(ARGV[1])

local function count(key, slice)
  local current, used = math.floor(now / slice), 0
  local oldest, newest = current, false
  local stored = redis.call('HGETALL', key)
  for i = 1, #stored, 2 do
    local number = tonumber(stored[i])
    if number <= current - counted_slices then
      redis.call('HDEL', key, stored[i])
    else
      used = used + stored[i + 1]
      oldest = math.min(oldest, number)
      newest = math.max(newest or number, number)
    end
  end
  return used, oldest, newest, current
end

local function add(key, number, amount, slice)
  if redis.call('HINCRBY', key, string.format('%d', number), amount) < 1 then
    redis.call('HDEL', key, string.format('%d', number))
  end
  if amount > 0 then
    redis.call('PEXPIRE', key, string.format('%d', counted_slices * slice))
  end
end

local answer, first_key, at = {}, 1, 2
while at <= #ARGV do
  local amount, keys = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local allowed, charges = true, {}
  for i = 0, keys - 1 do
    local key, permits, slice = KEYS[first_key + i], tonumber(ARGV[at + 2 + 2 * i]), tonumber(ARGV[at + 3 + 2 * i])
    local used, oldest, newest, current = count(key, slice)
    answer[#answer + 1] = used
    answer[#answer + 1] = (oldest + counted_slices) * slice - now
    allowed = allowed and (amount < 0 or used + amount <= permits)
    charges[i + 1] = {key, amount > 0 and current or newest, slice}
  end
  for _, charge in ipairs(charges) do
    if allowed and charge[2] then
      add(charge[1], charge[2], amount, charge[3])
    end
  end
  first_key, at = first_key + keys, at + 2 + 2 * keys
end
return answer
