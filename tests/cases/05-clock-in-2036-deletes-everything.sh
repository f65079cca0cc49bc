#!/usr/bin/env bash
# A board without a battery starts once with its clock in 2036. Retention of 30 days deletes nothing.
. "$(dirname "$0")/lib.sh"
needs faketime
"$NB" --root $R init >/dev/null
for d in 20 21 22 23 24 25 26 27 28; do echo "home/a $d 2026-11-$d 08:00:00"; done | ft "2026-11-28 09:00:00" "$NB" --root $R import - >/dev/null
sed -i 's/retention_action = "keep"/retention_action = "delete"/' $R/home/manifest.toml
ftserve "2036-02-07 06:28:16" 4 "/api/v1/metrics?db=home" >/dev/null
n=$(lines home | wc -l); [ "$n" = 9 ] && pass "nothing was deleted on a clock ten years ahead of the newest sample" || fail "expected all 9 samples of the last 9 days to be kept, $n are left"
