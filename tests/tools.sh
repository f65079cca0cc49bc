#!/usr/bin/env bash
# Installs what tests need beside Rust, or names the command that does: for the browser's; with `build`
# only what building the npm package needs; with `peers` the servers and programs that ours is tested
# with.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { printf '%s\n' "$1 is missing. Install it with: $2" >&2; exit 1; }

# Debian's packages, as root; others are told.
packages() {
    local what=$1 install
    shift
    install="apt-get update && apt-get install -y --no-install-recommends $*"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        DEBIAN_FRONTEND=noninteractive bash -c "$install"
    else
        missing "$what" "sudo bash -c '$install'"
    fi
}

if [ "${1:-}" = peers ]; then
    if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null \
        || ! command -v victoria-metrics >/dev/null; then
        packages "prometheus or victoria-metrics" prometheus victoria-metrics
    fi
    python=target/peers/bin/python
    if ! "$python" -c 'import duckdb, moto.server' 2>/dev/null; then
        python3 -m venv target/peers || missing "Python's venv" "apt-get install -y python3-venv"
        "$python" -m pip install --quiet duckdb 'moto[server]'
    fi
    exit
fi

command -v node >/dev/null || missing "Node 20 or later" "https://nodejs.org"
major=$(node --print 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || missing "Node 20 or later (here: $(node --version))" "https://nodejs.org"

targets=$(rustup target list --installed)
for target in wasm32-unknown-unknown wasm32v1-none; do
    grep -qx "$target" <<<"$targets" || rustup target add "$target"
done

# The tool must have the version of the crate, and both installs share what they compile.
version=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
tools="${CARGO_TARGET_DIR:-$PWD/target}/tools"
if [ "$(wasm-bindgen --version 2>/dev/null)" != "wasm-bindgen $version" ]; then
    CARGO_TARGET_DIR=$tools cargo install --locked wasm-bindgen-cli --version "$version"
fi
if [ "${1:-}" = build ]; then exit; fi

if ! command -v wasm-pack >/dev/null; then
    CARGO_TARGET_DIR=$tools cargo install --locked wasm-pack --version 0.15.1
fi

if [ ! -x "${CHROMIUM:-/usr/bin/chromium}" ] || ! command -v chromedriver >/dev/null; then
    packages "Chromium with ChromeDriver (or set CHROMIUM)" chromium chromium-driver
fi
