#!/usr/bin/env bash
# sparkplug-payload 1.0.3. Expected: a BigInt, the only number of JavaScript that holds every 64-bit counter,
# is encoded or refused as the value of an Int64 or UInt64 metric. Seen: it is encoded as 0 without an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund sparkplug-payload@1.0.3
cat >run.mjs <<'JS'
import sparkplug from "sparkplug-payload";
const payload = sparkplug.get("spBv1.0");
for (const [type, value] of [["UInt64", 5], ["UInt64", 5n], ["Int64", 9007199254740993n]]) {
  const metric = { name: "m", type, value, timestamp: 1 };
  const read = payload.decodePayload(payload.encodePayload({ timestamp: 1, metrics: [metric] }));
  console.log(type, typeof value, String(value), "->", String(read.metrics[0].value));
}
JS
node run.mjs >seen
cat >stated <<'TEXT'
UInt64 number 5 -> 5
UInt64 bigint 5 -> 0
Int64 bigint 9007199254740993 -> 0
TEXT
cat seen
diff stated seen
