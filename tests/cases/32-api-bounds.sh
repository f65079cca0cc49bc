#!/usr/bin/env bash
# Ranges, steps and times that make no sense are refused with 400, and what does is answered.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; bad=""
for q in 'start=10&end=9&step=1' 'start=0&end=10&step=0' 'start=0&end=10&step=-1' 'start=0&end=10&step=NaN' 'start=148966367200.372&end=1489667272.372&step=1' 'start=NaN&end=1&step=1' 'start=0&end=1e30&step=1' 'start=0&end=100000&step=1'; do c=$(code "$U/prometheus/api/v1/query_range?query=vector(1)&$q"); [ $c = 400 ] || bad="$bad [$q $c]"; done
for t in NaN Inf -Inf 1e30 9e18; do c=$(code "$U/prometheus/api/v1/query?query=1&time=$t"); [ $c = 400 ] || bad="$bad [time=$t $c]"; done
for q in 'time(0)' 'm[0s]' 'm[5m:0s]' 'm @ NaN'; do c=$(code -G $U/prometheus/api/v1/query --data-urlencode "query=$q"); [ $c = 400 ] || bad="$bad [$q $c]"; done
c=$(code "$U/prometheus/api/v1/query?query=1&time=-1"); [ $c = 200 ] || bad="$bad [time=-1 $c]"; c=$(code $U/health); [ $c = 200 ] || bad="$bad health"
[ -z "$bad" ] && pass "all 18 answered as they should" || fail "$bad"
