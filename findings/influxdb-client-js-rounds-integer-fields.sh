#!/usr/bin/env bash
# @influxdata/influxdb-client 1.35.0. Expected: intField writes any 64-bit integer that it is given as BigInt
# or text, as uintField does, or refuses it. Seen: a BigInt above 2^53 is rounded to a double without an error,
# and the largest integer that InfluxDB stores is refused, although uintField takes larger ones as they are.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @influxdata/influxdb-client@1.35.0
cat >run.mjs <<'JS'
import { Point } from "@influxdata/influxdb-client";
const line = (field, value) => {
  try {
    return new Point("m")[field]("v", value).timestamp("").toLineProtocol();
  } catch (error) {
    return `refused: ${error.message}`;
  }
};
for (const [field, value] of [["intField", 9007199254740993n], ["intField", "9223372036854775807"],
  ["uintField", "18446744073709551615"]])
  console.log(field, typeof value, String(value), "->", line(field, value));
JS
node run.mjs >seen
cat >stated <<'TEXT'
intField bigint 9007199254740993 -> m v=9007199254740992i
intField string 9223372036854775807 -> refused: invalid integer value for field 'v': '9223372036854775807'!
uintField string 18446744073709551615 -> m v=18446744073709551615u
TEXT
cat seen
diff stated seen
