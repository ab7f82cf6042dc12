-- wrk: reserve one ticket per request, each with an idempotency key and a customer of its own.
--
--   SECTION=… PRICING=… wrk -t1 -c64 -d10s --latency -s LoadScripts/reserve.lua http://127.0.0.1:8080
--
-- SECTION and PRICING come from `holdfast-bench put-on-sale`. Several sections: separate them by commas.
-- There is no response function on purpose: with one, wrk takes half as much time again for each answer. It counts
-- answers that are no success by itself.

local threads = 0

function setup(thread)
    thread:set("threadNumber", threads)
    threads = threads + 1
end

local sections = {}
local pricing, prefix
local number = 0

function init(args)
    for section in (os.getenv("SECTION") or "bench"):gmatch("[^,]+") do
        sections[#sections + 1] = section
    end
    pricing = os.getenv("PRICING") or "prc_0000000000000000"
    -- Keys must not repeat from run to run: the server would answer from memory.
    prefix = string.format("%08x-%02x", os.time(), threadNumber)
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    number = number + 1
    local counter = string.format("%010d", number)
    wrk.headers["Idempotency-Key"] = prefix .. "-" .. counter
    local path = "/api/v1/capacity/" .. sections[number % #sections + 1] .. "/reserve"
    local body = '{"quantity":1,"customer_id":"c-' .. counter .. '","pricing_id":"' .. pricing .. '"}'
    return wrk.format("POST", path, nil, body)
end
