-- SPDX-License-Identifier: BSD-3-Clause
-- What wrk sends and counts: a new note of the list that is its argument, or a look at note 1, in turn.
-- Prints "load: complete N created N read N other N errors N".

local counters = {"complete", "created", "read", "other"}
local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("number", #threads)
end

function init(arguments)
    list = arguments[1]
    sent = 0
    for _, name in ipairs(counters) do
        _G[name] = 0
    end
end

function request()
    sent = sent + 1
    if sent % 2 == 0 then
        return wrk.format("GET", "/notes/1")
    end
    local note = string.format('{"list":"%s","title":"%d-%d"}', list, number, sent)
    return wrk.format("POST", "/notes", {["Content-Type"] = "application/json"}, note)
end

function response(status, headers, body)
    complete = complete + 1
    if status == 201 and body:find('^{"list":"' .. list .. '".*"id":%d+.*}$') then
        created = created + 1
    elseif status == 200 and body:find('^{"id":1,.*}$') then
        read = read + 1
    else
        other = other + 1
    end
end

function done(summary)
    local line = "load:"
    for _, name in ipairs(counters) do
        local sum = 0
        for _, thread in ipairs(threads) do
            sum = sum + thread:get(name)
        end
        line = line .. " " .. name .. " " .. sum
    end
    local errors = summary.errors
    print(line .. " errors " .. errors.read + errors.write + errors.timeout)
end
