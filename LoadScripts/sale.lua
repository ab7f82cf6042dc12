-- wrk: a whole sale. Each request is the next step of some hold: reserve, lock the price, confirm.
-- One buyer in ten gives the hold back instead, one in ten walks away.
--
--   SECTION=… PRICING=… wrk -t1 -c64 -d10s --latency -s LoadScripts/sale.lua http://127.0.0.1:8080
--
-- wrk hands answers and requests to the script without saying which connection they belong to. So holds wait in
-- a bounded list for their next step, which may leave over another connection: the server does not mind.

local threads = 0

function setup(thread)
    thread:set("threadNumber", threads)
    threads = threads + 1
end

local waitingMax = 10000
local sections, waiting = {}, {}
local pricing, prefix
local number, chance = 0, 0

function init(args)
    for section in (os.getenv("SECTION") or "bench"):gmatch("[^,]+") do
        sections[#sections + 1] = section
    end
    pricing = os.getenv("PRICING") or "prc_0000000000000000"
    prefix = string.format("%08x-%02x", os.time(), threadNumber)
    wrk.headers["Content-Type"] = "application/json"
end

local function post(path, body)
    number = number + 1
    wrk.headers["Idempotency-Key"] = string.format("%s-%010d", prefix, number)
    return wrk.format("POST", path, nil, body)
end

local function reserve()
    local section = sections[number % #sections + 1]
    local body = string.format('{"quantity":1,"customer_id":"c-%010d","pricing_id":"%s"}', number, pricing)
    return post("/api/v1/capacity/" .. section .. "/reserve", body)
end

function request()
    local hold = table.remove(waiting)
    if not hold then return reserve() end
    local path = "/api/v1/reservations/" .. hold.id
    if hold.step == "release" then return post(path .. "/release", "{}") end
    if hold.step == "confirm" then
        return post(path .. "/confirm", '{"payment_reference":"pay-' .. number .. '"}')
    end
    -- The confirm may overtake the price lock on another connection: then it locks the price itself, and the price
    -- lock is refused. wrk counts those few among its non-2xx answers.
    waiting[#waiting + 1] = { id = hold.id, step = "confirm" }
    return post(path .. "/price-lock", "{}")
end

function response(status, headers, body)
    if status ~= 200 or #waiting >= waitingMax then return end
    local id = body:match('"reservation":{"id":"(rsv_[^"]+)"')
    -- Only the answer to a reserve carries a message beside its reservation.
    if not id or not body:find('^{"message"') then return end
    chance = (chance + 1) % 10
    if chance == 0 then return end
    waiting[#waiting + 1] = { id = id, step = chance == 1 and "release" or "price-lock" }
end
