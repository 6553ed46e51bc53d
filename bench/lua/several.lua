-- Many readers: each path of the file in turn. With a delay, each connection waits that many milliseconds on average
-- between two requests. The delay is random, or all connections would send at the same moments.
local headers = { ["Accept-Encoding"] = "gzip, deflate, br", ["X-Forwarded-For"] = "10.0.0.1" }
local requests, n = {}, 0

function init()
  for path in io.lines(os.getenv("BENCH_PATHS")) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  n = n % #requests + 1
  return requests[n]
end

local between = tonumber(os.getenv("BENCH_DELAY"))
if between > 0 then
  function delay()
    return math.random() * 2 * between
  end
end
