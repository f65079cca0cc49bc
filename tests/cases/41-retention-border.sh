#!/usr/bin/env bash
# Retention of seven days: all of the last week stays, and what is older than eight days goes.
. "$(dirname "$0")/lib.sh"
needs faketime
"$NB" --root $R init >/dev/null; for t in '04 12:00:00' '05 04:51:00' '05 23:59:59' '06 00:00:00' '06 04:51:00' '06 04:53:00' '12 12:00:00'; do echo "home/a 1 2026-08-$t"; done | ft "2026-08-13 04:00:00" "$NB" --root $R import - >/dev/null; sed -i 's/retention_days = 30/retention_days = 7/; s/retention_action = "keep"/retention_action = "delete"/' $R/home/manifest.toml
ft "2026-08-13 04:52:00" "$NB" --root $R retention --db home >/dev/null; l=$(lines home | cut -c18-36 | tr '\n' '|')
grep -q '06 04:53:00' <<<"$l" && grep -q '06 04:51' <<<"$l" && ! grep -q '08-04' <<<"$l" && ! grep -q '08-05' <<<"$l" && pass "$l" || fail "left: $l"
