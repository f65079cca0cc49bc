#!/usr/bin/env bash
# A sensor sends twice and falls silent for longer than raw data is kept. Its hourly average stays.
. "$(dirname "$0")/lib.sh"
needs faketime
"$NB" --root $R init >/dev/null
printf '%s\n' 'home/door 10 2026-06-01 10:05:00' 'home/door 20 2026-06-01 10:25:00' 'home/live 1 2026-06-01 10:05:00' 'home/live 3 2026-06-01 11:05:00' | ft "2026-06-01 12:00:00" "$NB" --root $R import - >/dev/null
sed -i 's/retention_days = 30/retention_days = 1/; s/retention_action = "keep"/retention_action = "delete"/; s/enabled = false/enabled = true/; s/default_interval = ""/default_interval = "1h"/; s/default_destination_db = ""/default_destination_db = "hourly"/' $R/home/manifest.toml
printf '  default_aggregates = ["avg"]\n  [[rollups.jobs]]\n    id = "all"\n    source_pattern = "*"\n' >> $R/home/manifest.toml
ftserve "2026-06-01 13:10:00" 3 "/api/v1/metrics?db=home" >/dev/null
ftserve "2026-06-04 00:10:00" 4 "/api/v1/metrics?db=home" >/dev/null
raw=$(lines home | wc -l); h=$(lines hourly)
want='hourly/door.avg 15 2026-06-01 10:00:00'; want2='hourly/live.avg 3 2026-06-01 11:00:00'
[ "$raw" = 0 ] || fail "retention was expected to take the raw samples; $raw are left"
grep -qF "$want" <<<"$h" && grep -qF "$want2" <<<"$h" && pass "rollups have every sample that retention deleted" || fail "raw samples are gone; expected '$want' and '$want2' in the rollups, which hold: $(tr '\n' '|' <<<"$h")"
