-- SPDX-License-Identifier: BSD-3-Clause
-- Any of 100,000 notes. Prints how many answers a second, and how many were no answers.

function request()
    return wrk.format("GET", "/notes/" .. math.random(100000))
end

function done(summary)
    local errors = summary.errors
    print("rate " .. math.floor(summary.requests / (summary.duration / 1000000)) .. " bad " ..
        errors.status + errors.connect + errors.read + errors.write + errors.timeout)
end
