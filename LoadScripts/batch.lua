-- wrk: batches of reservations, one ticket a line, each line with an idempotency key and a customer of its own.
--
--   SECTION=… PRICING=… LINES=100 wrk -t1 -c16 -d10s --latency -s LoadScripts/batch.lua http://127.0.0.1:8080
--
-- wrk counts requests: multiply by LINES. It doesn't look into an answer, so compare the section's stock afterwards.

local threads = 0

function setup(thread)
    thread:set("threadNumber", threads)
    threads = threads + 1
end

local lines = tonumber(os.getenv("LINES") or "100")
local number = 0
local before, between, after

function init(args)
    -- Keys must not repeat from run to run: the server would answer from memory.
    local prefix = string.format("%08x-%02x-", os.time(), threadNumber)
    before = '{"op":"reserve","capacity_id":"' .. (os.getenv("SECTION") or "bench") .. '","quantity":1,"pricing_id":"' ..
        (os.getenv("PRICING") or "prc_0000000000000000") .. '","idempotency_key":"' .. prefix
    between = '","customer_id":"c-'
    after = '"}'
    wrk.headers["Content-Type"] = "application/x-ndjson"
end

function request()
    local body = {}
    for line = 1, lines do
        number = number + 1
        local counter = string.format("%010d", number)
        body[line] = before .. counter .. between .. counter .. after
    end
    return wrk.format("POST", "/api/v1/batch", nil, table.concat(body, "\n"))
end
