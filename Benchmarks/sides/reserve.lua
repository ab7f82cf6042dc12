-- One reservation in Redis, with the rules that Holdfast keeps: stock, a limit for each customer, a price and a deadline
-- kept with the hold, an index of deadlines, and one effect and one answer for each idempotency key.
--   KEYS  section (hash), held by customer (hash), deadlines (sorted set), answer kept for the key (string)
--   ARGV  customer, quantity
local kept = redis.call('GET', KEYS[4])
if kept then return kept end

local quantity = tonumber(ARGV[2])
local section = redis.call('HMGET', KEYS[1], 'available', 'holds', 'limit', 'seconds', 'pricing', 'price', 'service',
    'facility', 'tax')
local available = tonumber(section[1]) - quantity
if available < 0 then return redis.error_reply('SOLD_OUT') end
if redis.call('HINCRBY', KEYS[2], ARGV[1], quantity) > tonumber(section[3]) then
    redis.call('HINCRBY', KEYS[2], ARGV[1], -quantity)
    return redis.error_reply('OVER_CUSTOMER_LIMIT')
end

local time = redis.call('TIME')
local deadline = (time[1] + section[4]) * 1000 + math.floor(time[2] / 1000)
local number = section[2] + 1
local hold = KEYS[1] .. ':' .. number
redis.call('HSET', KEYS[1], 'available', available, 'holds', number)
redis.call('HSET', hold, 'customer', ARGV[1], 'quantity', quantity, 'expires', deadline, 'pricing', section[5],
    'price', section[6], 'service', section[7], 'facility', section[8], 'tax', section[9])
redis.call('ZADD', KEYS[3], deadline, hold)
local answer = hold .. ' ' .. deadline .. ' ' .. available
redis.call('SET', KEYS[4], answer, 'EX', 86400)
return answer
