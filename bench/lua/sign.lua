-- Send a sign form, with a new name and email address each time, as a proxy passes it on: from many networks (an IPv4
-- /24 and an IPv6 /48 in turn) and with emails to many domains, so that none meets its limit.
local path = os.getenv("BENCH_PATH")
local version = os.getenv("BENCH_VERSION")
local prefix = os.getenv("BENCH_PREFIX")
local headers = { ["Content-Type"] = "application/x-www-form-urlencoded", ["Sec-Fetch-Site"] = "same-origin" }
local form = "name=Suzie+Number+%d&email=suzie-%s-%d%%40m%d.example.org&country=KR&consent=1&website=&version=%s"
local n = 0

local function visitor()
  local network = math.floor(n / 2) % 65536
  if n % 2 == 1 then
    return string.format("2001:db8:%x::1", network)
  end
  return string.format("10.%d.%d.1", math.floor(network / 256), network % 256)
end

function request()
  n = n + 1
  headers["X-Forwarded-For"] = visitor()
  return wrk.format("POST", path, headers, form:format(n, prefix, n, n % 4000, version))
end
