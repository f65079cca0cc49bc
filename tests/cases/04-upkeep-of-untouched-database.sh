#!/usr/bin/env bash
# After a restart nobody asks for a database any more. Its retention runs all the same.
. "$(dirname "$0")/lib.sh"
needs faketime
"$NB" --root $R init >/dev/null
printf '%s\n' 'old/a 1 2026-06-01 10:05:00' | ft "2026-06-01 12:00:00" "$NB" --root $R import - >/dev/null
sed -i 's/retention_days = 30/retention_days = 1/; s/retention_action = "keep"/retention_action = "delete"/' $R/old/manifest.toml
ftserve "2026-06-10 00:10:00" 6 "/health" >/dev/null
n=$(lines old | wc -l); [ "$n" = 0 ] && pass "expired data of an untouched database was deleted" || fail "expected 0 samples nine days later with retention_days = 1, found $n"
