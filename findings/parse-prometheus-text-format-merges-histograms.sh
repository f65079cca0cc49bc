#!/usr/bin/env bash
# parse-prometheus-text-format 1.1.1. Expected: the histograms of two label sets of one family stay two, each
# with its labels, count and sum. Seen: one is left, with the buckets of the last label set, no labels, no
# count and no sum; summaries likewise. Gauges of the same labels stay apart.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund parse-prometheus-text-format@1.1.1
cat >run.mjs <<'JS'
import parse from "parse-prometheus-text-format";
const histogram = ["a", "b"].map((z, i) => `h_bucket{z="${z}",le="+Inf"} ${i + 2}\nh_sum{z="${z}"} 3\nh_count{z="${z}"} ${i + 2}\n`);
const summary = ["a", "b"].map((z, i) => `s{quantile="0.5",z="${z}"} ${i + 1}\ns_sum{z="${z}"} 2\ns_count{z="${z}"} 3\n`);
const gauge = ["a", "b"].map((z, i) => `g{z="${z}"} ${i}\n`);
const text = ["# TYPE h histogram\n", ...histogram, "# TYPE s summary\n", ...summary, "# TYPE g gauge\n", ...gauge].join("");
for (const family of parse(text)) console.log(family.name, JSON.stringify(family.metrics));
JS
node run.mjs >seen
cat >stated <<'TEXT'
h [{"buckets":{"+Inf":"3"}}]
s [{"quantiles":{"0.5":"2"}}]
g [{"value":"0","labels":{"z":"a"}},{"value":"1","labels":{"z":"b"}}]
TEXT
cat seen
diff stated seen
