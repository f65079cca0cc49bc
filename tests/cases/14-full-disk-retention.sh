#!/usr/bin/env bash
# The disk is full. Retention needs no room to delete what has expired.
. "$(dirname "$0")/lib.sh"
needs mount
mkdir $D/m; MNT=$D/m; mount -t tmpfs -o size=4m tmpfs $MNT || { echo "SKIP $N: no mount"; exit 2; }; R=$MNT/root
"$NB" --root $R init >/dev/null; for d in 01 02 03 04 05; do echo "home/a 1 2025-11-$d 08:00:00"; done | "$NB" --root $R import - >/dev/null
sed -i 's/retention_action = "keep"/retention_action = "delete"/' $R/home/manifest.toml
cat /dev/zero > $MNT/other 2>/dev/null
"$NB" --root $R retention --db home >$D/out 2>&1; rc=$?; serve; up=$?
[ $rc = 0 ] && pass "expired partitions were deleted"; fail "expected rc 0 and deleted partitions; retention rc=$rc: $(head -c 150 $D/out); does the server start: $([ $up = 0 ] && echo yes || head -c 150 $D/serve.log)"
