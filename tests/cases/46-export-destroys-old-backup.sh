#!/usr/bin/env bash
# A backup over last night's file fails, for damage or a full disk. Last night's file is still there.
. "$(dirname "$0")/lib.sh"
needs mount
mkdir $D/m; MNT=$D/m; mount -t tmpfs -o size=1m tmpfs $MNT || { echo "SKIP $N"; exit 2; }; "$NB" --root $R init >/dev/null
for d in 20 21 22 23 24 25; do echo "home/a $d 2026-11-$d 08:00:00"; done | "$NB" --root $R import - >/dev/null
"$NB" --root $R export --db home --out $MNT/b.lp >/dev/null; cp $MNT/b.lp $D/good; cp $MNT/b.lp $D/b2.lp
cat /dev/zero > $MNT/fill 2>/dev/null; python3 -c "
for i in range(20000): print(f'home/c {i} {1796000000000000000+i*1000}')" | "$NB" --root $R import - >/dev/null
"$NB" --root $R export --db home --out $MNT/b.lp >/dev/null 2>&1; r1=$?; cmp -s $MNT/b.lp $D/good && k1=kept || k1="replaced by $(wc -l < $MNT/b.lp) of 20006 lines"
: > $R/home/metric-2026-11-21.dat; "$NB" --root $R export --db home --out $D/b2.lp >/dev/null 2>&1; r2=$?; cmp -s $D/b2.lp $D/good && k2=kept || k2="replaced by $(wc -l < $D/b2.lp) lines"
[ "$k1$k2" = keptkept ] && pass "both exports failed ($r1 $r2) and the old files are there"; fail "expected the old backup of 6 lines to be kept by an export that fails; full disk: rc=$r1, $k1; damaged day: rc=$r2, $k2"
