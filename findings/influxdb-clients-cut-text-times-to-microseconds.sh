#!/usr/bin/env bash
# influxdb 5.3.2 and influxdb-client 1.50.0 (Python clients of InfluxDB 1 and 2). Expected: a time given as
# RFC 3339 text with nine digits, which is how InfluxDB itself prints times, is written with them, or refused.
# Seen: both write a time of nanoseconds whose last three digits are zeros, so that points read from
# InfluxDB as text and written again move, and points of one microsecond replace each other.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check influxdb==5.3.2 influxdb-client==1.50.0
"$dir/venv/bin/python" -W ignore - >"$dir/seen" <<'PY'
from influxdb import line_protocol
from influxdb_client import Point
time = "2026-01-01T00:00:00.123456789Z"
point = {"measurement": "m", "time": time, "fields": {"v": 1.5}}
print("influxdb       ", line_protocol.make_lines({"points": [point]}).strip())
print("influxdb-client", Point("m").field("v", 1.5).time(time).to_line_protocol())
PY
cat >"$dir/stated" <<'TEXT'
influxdb        m v=1.5 1767225600123456000
influxdb-client m v=1.5 1767225600123456000
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
