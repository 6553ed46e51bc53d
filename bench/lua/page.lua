-- Get the page compressed, as a browser does.
local path = os.getenv("BENCH_PATH")
local headers = { ["Accept-Encoding"] = "gzip, deflate, br", ["Accept"] = "text/html", ["X-Forwarded-For"] = "10.0.0.1" }

function request()
  return wrk.format("GET", path, headers)
end
