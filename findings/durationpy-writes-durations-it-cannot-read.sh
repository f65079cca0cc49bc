#!/usr/bin/env bash
# durationpy 0.11 (Go's durations for Python, as a client of Kubernetes uses them). Expected: to_str writes text
# that from_str reads as the same duration, as Go does; a retention is often written in hours. Seen: seconds keep
# six digits in all, so that 59.999999s becomes a minute and 12.345678s another duration; a million hours are
# written with an exponent, which from_str refuses.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check durationpy==0.11
"$dir/venv/bin/python" - >"$dir/seen" <<'PY'
import durationpy
for text in ("999999h", "1.5h", "1h0.25s", "12.345678s", "59.999999s", "1000000h"):
    duration = durationpy.from_str(text)
    written = durationpy.to_str(duration)
    try:
        again = "the same" if durationpy.from_str(written) == duration else "another duration"
    except durationpy.DurationError:
        again = "refused"
    print(f"{text} -> {written}: {again}")
PY
cat >"$dir/stated" <<'TEXT'
999999h -> 999999h: the same
1.5h -> 1h30m: the same
1h0.25s -> 1h0.25s: the same
12.345678s -> 12.3457s: another duration
59.999999s -> 60s: another duration
1000000h -> 1e+06h: refused
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
