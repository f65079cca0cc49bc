#!/usr/bin/env bash
# Every test: the engine and the native host, then the browser's and Node's.
# What is missing is installed first, see tools.sh. `native` or `browser` runs one half.
set -euo pipefail
cd "$(dirname "$0")/.."
half=${1:-all}

step() { printf '\n== %s\n' "$*"; }

if [ "$half" != browser ]; then
    step "engine and native host"
    cargo test --workspace
fi

if [ "$half" != native ]; then
    step "tools for the browser"
    bash tests/tools.sh

    step "engine in a browser's worker"
    log=$(mktemp)
    WASM_BINDGEN_TEST_TIMEOUT=300 wasm-pack test --headless --chrome host-wasm 2>&1 | tee "$log"
    # A run in the wrong place finds no tests, and calls that a success.
    grep -Eq 'test result: ok\. [1-9][0-9]* passed' "$log" || { echo "no test ran" >&2; exit 1; }
    rm "$log"

    step "npm package"
    (cd host-wasm/npm && npm ci && npm run build && npm run check && npm test)

    step "page"
    (cd www && npm ci && npm test)
fi
