#!/usr/bin/env bash
# sparkplug-payload 1.0.3 (Eclipse Tahu's payload of MQTT Sparkplug B). Expected: an Int64 metric is read as it
# was written, whatever else a project depends on. Seen: -4 is read as -4 where nothing else is installed, and
# as 2^64 - 4 once the project depends on the package long 5 as well, for any other reason.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund sparkplug-payload@1.0.3
cat >run.mjs <<'JS'
import sparkplug from "sparkplug-payload";
const payload = sparkplug.get("spBv1.0");
for (const [type, value] of [["Int32", -4], ["Int64", 4], ["Int64", -4]]) {
  const metric = { name: "m", type, value, timestamp: 1 };
  const read = payload.decodePayload(payload.encodePayload({ timestamp: 1, metrics: [metric] }));
  console.log(process.argv[2], type, value, "->", String(read.metrics[0].value));
}
JS
node run.mjs alone >seen
npm install --silent --no-audit --no-fund long@5.3.2
node run.mjs beside-long >>seen
cat >stated <<'TEXT'
alone Int32 -4 -> -4
alone Int64 4 -> 4
alone Int64 -4 -> -4
beside-long Int32 -4 -> -4
beside-long Int64 4 -> 4
beside-long Int64 -4 -> 18446744073709551612
TEXT
cat seen
diff stated seen
