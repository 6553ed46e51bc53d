-- Send a sign form, with a new name and email address each time.
local path = os.getenv("BENCH_PATH")
local version = os.getenv("BENCH_VERSION")
local prefix = os.getenv("BENCH_PREFIX")
local headers = { ["Content-Type"] = "application/x-www-form-urlencoded", ["Sec-Fetch-Site"] = "same-origin" }
local form = "name=Suzie+Number+%d&email=suzie.%s.%d%%40mail.example.org&country=KR&consent=1&website=&version=%s"
local n = 0

function request()
  n = n + 1
  return wrk.format("POST", path, headers, form:format(n, prefix, n, version))
end
