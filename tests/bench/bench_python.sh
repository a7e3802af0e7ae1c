#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Point selects by key, 64 in flight: ours against Python's databases on aiosqlite, in alternating runs on one file.
#
# bench_python.sh BENCH_SELECT: the program built of bench_select.c. Environment: PYTHON (/usr/bin/python3),
# ADB_BENCH_PAIRS (7).

program=${1:?the path of bench_select}
here=$(dirname "$0")
python=${PYTHON:-/usr/bin/python3}
pairs=${ADB_BENCH_PAIRS:-7}

if ! "$python" -c 'import databases, aiosqlite' 2>/dev/null; then
    echo "point select, 64 in flight, Python: skipped, $python has no databases with aiosqlite"
    exit 0
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
"$program" fill "$work/items.db" || exit 1

median() {
    sort -g "$1" | awk '{ line[NR] = $1 } END { print (line[int((NR + 1) / 2)] + line[int(NR / 2) + 1]) / 2 }'
}

# compare HOW NAME TOTAL FLOOR: TOTAL selects in a run of Python's; FLOOR 0 when none is wanted.
compare() {
    rm -f "$work/ours" "$work/other" "$work/ratios"
    pair=0
    while [ "$pair" -lt "$pairs" ]; do
        ours=$("$program" "$work/items.db" 100000) || exit 1
        other=$("$python" "$here/bench_python.py" "$work/items.db" "$3" "$1") || exit 1
        echo "$ours" >>"$work/ours"
        echo "$other" >>"$work/other"
        awk "BEGIN { print $ours / $other }" >>"$work/ratios"
        pair=$((pair + 1))
    done
    awk -v name="$2" -v ours="$(median "$work/ours")" -v other="$(median "$work/other")" \
        -v ratio="$(median "$work/ratios")" -v floor="$4" 'BEGIN {
            printf "%s: asyncdb %.0f/s, databases %.0f/s, ratio %.1f", name, ours, other, ratio
            if (floor > 0)
                printf " (floor %.1f: %s)", floor, (ratio >= floor ? "held" : "MISSED")
            printf "\n"
        }'
}

compare plain "point select, 64 in flight, Python" 1280 50
compare kept "point select, 64 in flight, Python with kept connections" 6400 0
