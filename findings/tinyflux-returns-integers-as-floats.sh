#!/usr/bin/env bash
# tinyflux 1.2.0 (a small embedded time-series database). Expected: an integer field comes back as the
# integer that was inserted. Seen: every field comes back as a float, so that integers above 2^53, such as
# counters of bytes or identifiers, come back as other numbers.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check tinyflux==1.2.0
"$dir/venv/bin/python" -W ignore - >"$dir/seen" <<'PY'
import datetime, os, tempfile
from tinyflux import TinyFlux, Point
db = TinyFlux(os.path.join(tempfile.mkdtemp(), "a.csv"))
for value in (7, 9_007_199_254_740_993, 12_345_678_901_234_567):
    db.remove_all()
    db.insert(Point(time=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), fields={"v": value}))
    read = db.all()[0].fields["v"]
    print(value, "->", type(read).__name__, int(read))
PY
cat >"$dir/stated" <<'TEXT'
7 -> float 7
9007199254740993 -> float 9007199254740992
12345678901234567 -> float 12345678901234568
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
