#!/usr/bin/env bash
# whisper 1.1.10 (Graphite's file format). Expected: a point three days ahead of the clock is refused by
# update_many as it is by update, and what is stored stays. Seen: update raises TimestampNotCovered,
# update_many stores the point in the slot of a current one, whose value is gone: the answer of the
# last ten minutes has a hole.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check whisper==1.1.10 six==1.17.0
"$dir/venv/bin/python" -W ignore - >"$dir/seen" <<'PY'
import os, tempfile, whisper
path = os.path.join(tempfile.mkdtemp(), "a.wsp")
now = 1_800_000_000
whisper.create(path, [(60, 10)])
whisper.update_many(path, [(now - 60 * i, float(i)) for i in range(9)], now)
values = lambda: whisper.fetch(path, now - 600, now, now)[1]
print("before     ", values())
ahead = now - 180 + 600 * 432
try:
    whisper.update(path, 99.0, ahead, now)
    print("update      accepted")
except whisper.TimestampNotCovered:
    print("update      refused")
whisper.update_many(path, [(ahead, 99.0)], now)
print("update_many accepted")
print("after      ", values())
PY
cat >"$dir/stated" <<'TEXT'
before      [None, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
update      refused
update_many accepted
after       [None, 8.0, 7.0, 6.0, 5.0, 4.0, None, 2.0, 1.0, 0.0]
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
