-- Press the button of an emailed link: each token of the file once. wrk itself would wait until its time is over, so
-- measure the time here.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long ns; } bench_time; int clock_gettime(int, bench_time *);")

local headers = {
  ["Content-Type"] = "application/x-www-form-urlencoded",
  ["Sec-Fetch-Site"] = "same-origin",
  ["X-Forwarded-For"] = "10.0.0.1", -- confirming has no limit
}
local tokens = {}
for line in io.lines(os.getenv("BENCH_TOKENS")) do
  tokens[#tokens + 1] = line
end
local n = 0

local function clock()
  local now = ffi.new("bench_time[1]")
  ffi.C.clock_gettime(1, now)
  return tonumber(now[0].s) + tonumber(now[0].ns) / 1e9
end

function setup(thread)
  worked = thread -- there is one
end

function request()
  started = started or clock()
  n = n + 1
  if n > #tokens then
    took = took or clock() - started
    wrk.thread:stop()
    n = #tokens
  end
  return wrk.format("POST", "/en/confirm/" .. tokens[n], headers, "")
end

function seconds(summary)
  return worked:get("took") or summary.duration / 1e6
end
