#!/usr/bin/env bash
# Installs what the browser's tests need, or names the command that does. `build` stops at what
# building the npm package needs.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { printf '%s\n' "$1 is missing. Install it with: $2" >&2; exit 1; }

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
    install="apt-get update && apt-get install -y chromium chromium-driver"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        bash -c "$install"
    else
        missing "Chromium with ChromeDriver (or set CHROMIUM)" "sudo bash -c '$install'"
    fi
fi
