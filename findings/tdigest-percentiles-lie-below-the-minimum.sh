#!/usr/bin/env bash
# tdigest 0.5.2.2 for Python (percentiles of streams). Expected: a percentile lies between the smallest and the
# largest value, and grows with its rank. Seen: the first percentile of five positive values lies below all of
# them, and below the percentile 0; where the distance to the next value is large it is negative. The package
# of the same name for JavaScript (0.1.3) answers the smallest value.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check tdigest==0.5.2.2
npm --prefix "$dir" install --silent --no-fund --no-audit tdigest@0.1.3 >/dev/null
values=(1 2 3 4 100)
{
    "$dir/venv/bin/python" - "${values[@]}" <<'PY'
import sys
from tdigest import TDigest
for values in (sys.argv[1:], (10, 500, 501, 502, 503)):
    digest = TDigest()
    for value in values:
        digest.update(float(value))
    print("Python", *values, "->", *(f"{digest.percentile(p):.2f}" for p in (0, 1, 50, 100)))
PY
    (cd "$dir" && node -e '
        const { TDigest } = require("tdigest");
        const values = process.argv.slice(1).map(Number);
        const digest = new TDigest();
        values.forEach((value) => digest.push(value));
        digest.compress();
        const percentiles = [0, 0.01, 0.5, 1].map((p) => digest.percentile(p).toFixed(2));
        console.log("JavaScript", ...values, "->", ...percentiles);' "${values[@]}")
} >"$dir/seen"
cat >"$dir/stated" <<'TEXT'
Python 1 2 3 4 100 -> 1.00 0.55 3.00 100.00
Python 10 500 501 502 503 -> 10.00 -210.50 501.00 503.00
JavaScript 1 2 3 4 100 -> 1.00 1.00 3.00 100.00
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
