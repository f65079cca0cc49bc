#!/usr/bin/env bash
# Fills corpus/ with small inputs to start from: files that the reference wrote, texts from the
# format's examples. Run again it changes nothing but what it made itself.
set -euo pipefail
cd "$(dirname "$0")"
fixtures=../fixtures

# u32 LE
length() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"; }

# seeds <target> <most bytes> <name pattern>: every fixture file of that name that is small
seeds() {
    mkdir -p "corpus/$1"
    find "$fixtures" -path '*/root/*' -name "$3" -size "-$(($2 / 1024 + 1))k" -type f -size +0 |
        while read -r file; do
            cp "$file" "corpus/$1/$(echo "${file#"$fixtures"/}" | tr / _)"
        done
}
seeds page_frame 4096 'data-*.dat'
seeds salvage 4096 'data-*.dat'
seeds tar 65536 'archive-*.tar'
seeds checkpoint 4096 '*.log'
seeds metric_file 8192 'metric-*.dat'
seeds wal_replay 4096 '*.wal'
seeds catalog 4096 catalog.json
seeds manifest 4096 manifest.toml
seeds engine_toml 4096 engine.toml

# text <target> <line>...
text() {
    local target=$1 number=0
    shift
    mkdir -p "corpus/$target"
    for line in "$@"; do
        printf '%b' "$line" > "corpus/$target/seed-$((number += 1))"
    done
}
text varint '\x00' '\x7f' '\xac\x02' '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01' '\x80\x80\x00'
text text '2026-01-01 00:00:00.5' '1700000000000000000' '1969-12-31' '1h30m' '1.5s' '7d' '-5m' \
    '0x1p-2' '1e-45' 'nan' '-inf' '1_000' '3.4028235e38'
text line 'db/m 1' 'db/m -7i 5' 'db/a/b nan 2026-01-01 00:00:00.5' ' db/m 1e3 2026-01-01 07 '
text checkpoint 'a,1\nb , 2 \n,3\nc,x\na,5\nwith,comma,-6\ntorn,7'
text pattern '*.tempsensor.temp' '[a-z]?\\*x' 'room/[^0-9]/*a'
text s2 '\x0e\x00\x0e\x34\x01\x00\xe8\x03\x00\x00\x00\x00\x00\x00\x2a\x00\x00\x00' \
    '\x30\x00\x30\x04\x64\x00\x09\x01\x00\xc8\x09\x07\x08\x00\x2c\x01\x09\x08\x00\x90\x0d\x00\x01\x07\x2c\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00'
text zstd '\x08\x00\x28\xb5\x2f\xfd\x04\x00\x41\x00\x00\x00\x00\xc0\x3f\x00\x00\x20\x40\x2f\xf9\x6f\x56'
text lz4 '\x05\x00\x50hello' '\x0b\x00\x11a\x01\x00\x50aaaaa'

text column_decode '\x08\x00\x0e\x01\x00\x00\x01\x00\x00\x80\x01\x03\x01\x00\x00\x00\x00\x00' \
    '\x0b\x00\x0e\x01\x00\x00\x00\x00\x00\x80\x01\x02\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\xf8\x07' \
    '\x40\x00\x16\x01\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x02\x06\x02\x00\x00\x39\x04\x06\x07\xdf\xdc\x6a\x02\x72\xd2\xa4\x6d\x99\x04\xed\x6d' \
    '\x1e\x00\x0d\x02\x80\xc8\xaf\xa0\x25\x00\x00\x01\x00\x00\x00\x01\x00\x00\xfa\xed\x51\x72\x86\x18\x00\x00\x01\x14\x00\x07\x00\x00\x00' \
    '\x0c\x00\x0b\x02\xc3\x84\x3d\x00\x02\x06\x00\x00\x00\x00\x00\x00\xfa\xed\x51\x72\x86\x18\x01\x00'
text column_encode '\x00\x01\x02\x03\x04\x05\x06\x07\x08' '\xff\x00\x00\xac\x41\x00\x00\xae\x41' '\x40\x00\x00\xfa\xed\x51\x72\x86\x18'

# Whole databases; the target calls the database "home".
mkdir -p corpus/engine_open
find "$fixtures" -path '*/root/*' -name manifest.toml -type f | while read -r manifest; do
    from=$(dirname "$manifest")
    if [ "$(du -sb "$from" | cut -f1)" -gt 16384 ]; then continue; fi
    for file in "$from"/*; do
        [ -f "$file" ] || continue
        name=$(basename "$file")
        if [ "$name" = "$(basename "$from").wal" ]; then name=home.wal; fi
        printf "\\x$(printf %02x ${#name})%s" "$name"
        length "$(stat -c %s "$file")"
        cat "$file"
    done > "corpus/engine_open/$(echo "${from#"$fixtures"/}" | tr / _)"
done
text influx 'cpu,host=a\\ b,az=1 usage=1.5,idle=98i,up=t,text="a\\"b" 1700000000000000000' 'm v=1u' '# no point'
text exposition 'http_requests_total{code="200",path="/a\\"b"} 1027 1395066363000' 'up NaN' \
    '{"with.dots",a="b"} 1e9 1.5 # {trace="x"} 1' '# TYPE up gauge'
text promql 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m] offset 1h)) / 2' \
    'max_over_time((a - on(x) group_left b)[1h:5m] @ end())' '{"cpu.usage"} > bool -1' 'label_replace(up, "a", "$1", "b", "(.*)")'
