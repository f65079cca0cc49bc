# Shared by the scripts beside it, which need root for a file system of their own. Each prints PASS,
# FAIL or SKIP and why. NANOTDB names the program.
set -u
NB=${NANOTDB:-target/debug/nanotdb}
NAME=$(basename "$0" .sh)
D=$(mktemp -d)
SERVER=
trap cleanup EXIT
cleanup() {
  [ -n "$SERVER" ] && kill "$SERVER" 2>/dev/null && wait "$SERVER" 2>/dev/null
  umount "$D/disk" 2>/dev/null
  rm -rf "$D"
}
pass() { echo "PASS $NAME: $*"; exit 0; }
fail() { echo "FAIL $NAME: $*"; exit 1; }
skip() { echo "SKIP $NAME: $*"; exit 0; }
# serve ROOT: starts a server on it, at a port of its own choice, and sets URL.
serve() {
  "$NB" --root "$1" serve --create --listen 127.0.0.1:0 >"$D/serve.log" 2>&1 &
  SERVER=$!
  for _ in $(seq 200); do
    URL=$(grep -o 'http://[0-9.:]*' "$D/serve.log" | head -1)
    [ -n "$URL" ] && curl -sf -o /dev/null "$URL/health" && return
    kill -0 $SERVER 2>/dev/null || fail "the server ended: $(cat "$D/serve.log")"
    sleep 0.1
  done
  fail "the server does not answer"
}
stop() { kill $SERVER; wait $SERVER; local code=$?; SERVER=; return $code; }
# code ARGS: the status of a request, its body in $D/body.
code() { curl -s -o "$D/body" -w '%{http_code}' "$@"; }
