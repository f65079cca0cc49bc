#!/bin/bash
# A file system that shares blocks, full to the last one, and a copy of the log that shares its blocks:
# a store to a mapped log would need a block that there is not, and end the process.
. "$(dirname "$0")/lib.sh"
command -v mkfs.xfs >/dev/null || skip "no mkfs.xfs"
truncate -s 400m "$D/image"
mkfs.xfs -q -m reflink=1 "$D/image" 2>"$D/err" || skip "mkfs.xfs: $(cat "$D/err")"
mkdir "$D/disk"
mount -o loop "$D/image" "$D/disk" 2>"$D/err" || skip "mount: $(cat "$D/err")"
serve "$D/disk/root"
[ "$(code -d 'home/a 1' "$URL/api/v1/import")" = 200 ] || fail "$(cat "$D/body")"
cp --reflink=always "$D/disk/root/home/home.wal" "$D/disk/copy" || skip "no shared blocks"
cat /dev/zero >"$D/disk/other" 2>/dev/null
taken=1 refused=0
# XFS keeps some blocks back, so a few samples do not show that there is no room.
for number in $(seq 3000); do
  awk -v number="$number" 'BEGIN { for (n = 0; n < 200; n++) print "home/a " number * 200 + n }' >"$D/lines"
  status=$(code --data-binary "@$D/lines" "$URL/api/v1/import")
  case $status in
    200) taken=$((taken + 200)) ;;
    503) refused=1; break ;;
    *) fail "status $status after $taken samples: $(cat "$D/body" "$D/serve.log")" ;;
  esac
done
[ $refused = 1 ] || fail "the disk is full, and $taken samples were taken"
kill -0 $SERVER 2>/dev/null || fail "the server ended after $taken samples"
rm "$D/disk/other"
for _ in $(seq 60); do [ "$(code -d 'home/a 7' "$URL/api/v1/import")" = 200 ] && break; sleep 0.2; done
taken=$((taken + 1))
stop || fail "the server ended with $?: $(cat "$D/serve.log")"
found=$("$NB" --root "$D/disk/root" export --db home | wc -l)
[ "$found" = "$taken" ] || fail "acknowledged $taken, found $found"
pass "$taken acknowledged and found"
