-- What wrk tells when it is done, as one line of JSON; times in microseconds.
function done(summary, latency, requests)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('{"requests":%d,"bad":%d,"p50":%d,"p99":%d}\n', summary.requests, bad,
    latency:percentile(50), latency:percentile(99)))
end
