-- Print the results of wrk as one line of JSON.
function done(summary, latency)
  local bad = summary.errors
  local took = seconds and seconds(summary) or summary.duration / 1e6
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"refused":%d,"lost":%d}\n',
    summary.requests, took, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    bad.status, bad.connect + bad.read + bad.write + bad.timeout))
end
