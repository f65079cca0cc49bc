#!/usr/bin/env bash
# pycayennelpp 2.4.0 (Cayenne LPP, the payload of many LoRa sensors). Expected: a value that is a whole
# number of the type's steps (0.01 for analog inputs and voltages) is read as it was written, as it is for
# temperatures. Seen: values whose binary fraction lies just below lose a step: 8.20 becomes 8.19.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check pycayennelpp==2.4.0
"$dir/venv/bin/python" -W ignore - >"$dir/seen" <<'PY'
from cayennelpp import LppFrame
def there_and_back(add, value):
    frame = LppFrame()
    getattr(frame, add)(1, value)
    return [data.value[0] for data in LppFrame.from_bytes(bytes(frame))][0]
for add, value in (("add_temperature", 25.7), ("add_temperature", -0.1), ("add_analog_input", 8.2),
                   ("add_analog_input", 4.35), ("add_voltage", 8.29), ("add_voltage", 25.05)):
    print(add, value, "->", there_and_back(add, value))
PY
cat >"$dir/stated" <<'TEXT'
add_temperature 25.7 -> 25.7
add_temperature -0.1 -> -0.1
add_analog_input 8.2 -> 8.19
add_analog_input 4.35 -> 4.34
add_voltage 8.29 -> 8.28
add_voltage 25.05 -> 25.05
TEXT
cat "$dir/seen"
diff "$dir/stated" "$dir/seen"
