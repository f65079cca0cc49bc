#!/usr/bin/env bash
# prometheus_client 0.26.0, text_string_to_metric_families. Expected: a sample of the Prometheus text format
# keeps its name; the format does not ask counters to end in _total, and Prometheus stores them as written.
# Seen: the sample of a counter without that ending is given it, so that what is read, or passed on, is
# another series than Prometheus would have.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check prometheus-client==0.26.0
"$dir/venv/bin/python" -W ignore - >"$dir/seen" <<'PY'
from prometheus_client.parser import text_string_to_metric_families as parse
text = "# TYPE requests counter\nrequests 5\n# TYPE load gauge\nload 5\n"
for family in parse(text):
    print(family.name, family.type, [sample.name for sample in family.samples])
PY
cat >"$dir/stated" <<'TEXT'
requests counter ['requests_total']
load gauge ['load']
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
