#!/usr/bin/env bash
# Runs every fuzz target for some seconds (default 10). Usage: tests/fuzz/run.sh [seconds] [target...]
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-10}
shift || true

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "skipped: cargo-fuzz is missing (cargo install cargo-fuzz)"
    exit 0
fi
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: no nightly toolchain (rustup toolchain install nightly)"
    exit 0
fi

# The targets contain no unsafe code, so the address sanitizer would find nothing but slow down.
build=(--release --sanitizer none)
if [ $# -eq 0 ]; then
    mapfile -t targets < <(cargo +nightly fuzz list)
else
    targets=("$@")
fi

./seeds.sh
cargo +nightly fuzz build "${build[@]}"
for target in "${targets[@]}"; do
    printf '\n== %s\n' "$target"
    cargo +nightly fuzz run "${build[@]}" "$target" -- \
        -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
done
