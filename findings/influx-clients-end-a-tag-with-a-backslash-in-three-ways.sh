#!/usr/bin/env bash
# Four clients of InfluxDB: influxdb 5.3.2 and influxdb-client 1.50.0 for Python, influx 5.12.0 and
# @influxdata/influxdb-client 1.35.0 for JavaScript. Expected: a tag value that ends in a backslash, as the
# names of Windows drives do, is written the same by all, or refused. Seen: one doubles the backslash, which
# InfluxDB stores as two; one appends a blank to the value; two leave it as it is, where the line protocol
# takes it with the separator that follows for an escaped blank, so that the fields are read as tag.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check influxdb==5.3.2 influxdb-client==1.50.0
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund influx@5.12.0 @influxdata/influxdb-client@1.35.0
cat >run.py <<'PY'
from influxdb import line_protocol
from influxdb_client import Point
point = {"measurement": "disk", "tags": {"drive": "C:\\"}, "fields": {"v": 1.5}}
print("python influxdb       ", line_protocol.make_lines({"points": [point]}).strip())
print("python influxdb-client", Point("disk").tag("drive", "C:\\").field("v", 1.5).to_line_protocol())
PY
cat >run.mjs <<'JS'
import { escape } from "influx";
import { Point } from "@influxdata/influxdb-client";
console.log("js influx             ", `disk,drive=${escape.tag("C:\\")} v=1.5`);
console.log("js influxdb-client    ", new Point("disk").tag("drive", "C:\\").floatField("v", 1.5).timestamp("").toLineProtocol());
JS
venv/bin/python -W ignore run.py >seen
node run.mjs >>seen
cat >stated <<'TEXT'
python influxdb        disk,drive=C:\\ v=1.5
python influxdb-client disk,drive=C:\  v=1.5
js influx              disk,drive=C:\ v=1.5
js influxdb-client     disk,drive=C:\ v=1.5
TEXT
cat seen
diff stated seen
