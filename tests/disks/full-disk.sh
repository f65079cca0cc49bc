#!/bin/bash
# A full disk while samples come in, old ones that bypass the log among them; then room; then the end.
# Every sample that was acknowledged is there, none that was refused, and none twice.
. "$(dirname "$0")/lib.sh"
mkdir "$D/disk"
mount -t tmpfs -o size=3m tmpfs "$D/disk" 2>/dev/null || skip "no mount"
ROOT=$D/disk/root
serve "$ROOT"
taken=0 refused=0 number=0
# send: a hundred samples of the metric $1, one batch; the first is $number seconds after 2025 began
# for the metric `old`, and after an hour ago for `new`.
now=$(date +%s)
send() {
  local from=1735689600
  [ "$1" = new ] && from=$((now - 3000))
  awk -v from=$from -v number=$number -v metric="$1" \
    'BEGIN { srand(number); for (n = 0; n < 100; n++) printf "home/%s %.6f %.0f\n", metric, rand() * 1000, (from + (number + n) / 100) * 1000000000 + n * 1000 }' >"$D/lines"
  local status; status=$(code --data-binary "@$D/lines" "$URL/api/v1/import")
  case $status in
    200) taken=$((taken + 100)) ;;
    503) refused=$((refused + 1)) ;;
    *) fail "status $status: $(cat "$D/body")" ;;
  esac
  number=$((number + 100))
}
for _ in $(seq 100); do send old; send new; done
[ $refused = 0 ] || fail "refused while there is room"
head -c 20m /dev/zero >"$D/disk/other" 2>/dev/null
for _ in $(seq 800); do send old; send new; [ $refused -gt 20 ] && break; done
[ $refused -gt 20 ] || fail "the disk is full, and nothing was refused"
ready=$(code "$URL/ready"); why=$(cat "$D/body")
[ "$ready" = 503 ] || fail "the disk is full, and /ready says $ready"
rm "$D/disk/other"
for _ in $(seq 60); do ready=$(code "$URL/ready"); [ "$ready" = 200 ] && break; sleep 0.2; done
[ "$ready" = 200 ] || fail "there is room, and /ready says $ready: $(cat "$D/body")"
before=$refused
for _ in $(seq 20); do send old; send new; done
[ $refused = $before ] || fail "there is room, and samples are refused: $(cat "$D/body")"
stop || fail "the server ended with $?: $(cat "$D/serve.log")"
found=$("$NB" --root "$ROOT" export --db home | wc -l)
"$NB" --root "$ROOT" verify >"$D/verify" 2>&1 || fail "damaged: $(cat "$D/verify")"
[ "$found" = "$taken" ] || fail "acknowledged $taken, found $found"
pass "$taken acknowledged and found, $refused batches refused ($why)"
