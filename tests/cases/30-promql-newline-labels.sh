#!/usr/bin/env bash
# A label's value has a line end. The pattern `.*`, which dashboards send for "All", matches it.
. "$(dirname "$0")/lib.sh"
serve || fail "server did not start"; printf 'nl{v="a\\nb"} 1\nnl{v="c"} 1\n' | curl -s "$U/api/v1/import/prometheus?db=p" --data-binary @- >/dev/null
f() { prom "$1" | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["data"]["result"]))'; }
g="$(f 'nl') $(f 'nl{v=~".*"}') $(f 'nl{v=~".+"}') $(f 'nl{v!~".*"}')"; [ "$g" = "2 2 2 0" ] && pass "$g" || fail "expected 2 2 2 0 series for nl, =~.*, =~.+, !~.*; got $g"
