# Sourced by every case, which then has a directory $D of its own, a root $R in it and a port $P.
# A case prints one line, `PASS name: …`, `FAIL name: …` or `SKIP name: …`, and ends with 0, 1 or 2.
#
#   NANOTDB=target/debug/nanotdb bash tests/cases/24-influx-seconds-without-precision.sh
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NB=${NANOTDB:-$HERE/../../target/release/nanotdb}
N=$(basename "$0" .sh); NUM=${N%%-*}
D=$(mktemp -d); R=$D/root
P=$((${NANOTDB_CASE_PORT:-19200} + 10#$NUM)); U=http://127.0.0.1:$P
PIDS=()
MNT=

cleanup() {
  for p in "${PIDS[@]}"; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
  [ -n "$MNT" ] && umount "$MNT" 2>/dev/null
  rm -rf "$D"
  true
}
trap cleanup EXIT

pass() { echo "PASS $N: $*"; exit 0; }
fail() { echo "FAIL $N: $*"; exit 1; }
skip() { echo "SKIP $N: $*"; exit 2; }

# needs faketime | mount: skips the case where the machine cannot do it.
needs() {
  case $1 in
    faketime)
      CLOCK=$(faketime_library)
      [ -n "$CLOCK" ] || skip "needs libfaketime (NANOTDB_FAKETIME names the library)" ;;
    mount)
      mkdir "$D/probe" && mount -t tmpfs -o size=64k tmpfs "$D/probe" 2>/dev/null || skip "needs root, to mount"
      umount "$D/probe" ;;
  esac
}

# The library that shows programs another clock, in each of their threads.
faketime_library() {
  local file
  for file in "$NANOTDB_FAKETIME" /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 \
    /usr/lib64/faketime/libfaketimeMT.so.1; do
    [ -f "$file" ] && { echo "$file"; return; }
  done
}

# ft TIME COMMAND…: runs it with the system's clock at that time in UTC. Time goes on from there.
ft() {
  local t="$1"
  shift
  LD_PRELOAD=$CLOCK FAKETIME="@$t" FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=UTC "$@"
}

# ftserve TIME SECONDS [PATH [BODY]]: serves $R for some seconds from that time on, and asks once.
ftserve() {
  ft "$1" timeout "$2" "$NB" --root "$R" serve --create --listen 127.0.0.1:$P >>"$D/serve.log" 2>&1 &
  local p=$!
  for _ in $(seq 60); do curl -s -o /dev/null $U/health && break; sleep 0.1; done
  [ -n "$3" ] && curl -s -o "$D/body" -w '%{http_code}\n' ${4:+--data-binary "$4"} "$U$3"
  wait $p
  true
}

# serve [OPTION…]: starts the server on $R, and waits until it answers.
serve() {
  "$NB" --root "$R" serve --create --listen 127.0.0.1:$P "$@" >"$D/serve.log" 2>&1 &
  SRV=$!
  PIDS+=($SRV)
  for _ in $(seq 100); do
    curl -s -o /dev/null $U/health && return 0
    kill -0 $SRV 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

stop() { kill $SRV; wait $SRV 2>/dev/null; true; }

# code OPTION…: the status of a request; its body is in $D/body.
code() { curl -s -o "$D/body" -w '%{http_code}' "$@"; }

# prom QUERY [TIME]: what an instant query in PromQL answers.
prom() { curl -s -G $U/prometheus/api/v1/query --data-urlencode "query=$1" ${2:+--data-urlencode "time=$2"}; }

# lines DATABASE: all its samples as lines.
lines() { "$NB" --root "$R" export --db "$1" 2>>"$D/err"; }
