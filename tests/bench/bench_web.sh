#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The web service of examples/notes_server.c beside the same in Python, aiohttp with databases: point selects on SQLite by 64
# connections of wrk, in turn. Installs what is missing (Debian, as root).
#
# Environment: ADB_BUILD_DIR (build-bench), ADB_BENCH_PAIRS (7), ADB_BENCH_OUT (figures and goals are written there, too),
# PYTHON (/usr/bin/python3).

cd "$(dirname "$0")/../.." || exit 1
. tests/lib/setup.sh

python=${PYTHON:-/usr/bin/python3}
need_build
need_web
need wrk have wrk
need python3-databases "$python" -c 'import databases'
need python3-aiosqlite "$python" -c 'import aiosqlite'
need python3-aiohttp "$python" -c 'import aiohttp'
install_needed

build=${ADB_BUILD_DIR:-build-bench}
[ -x "$build/examples/notes_server" ] || { configure_in "$build" CFLAGS=-O2 && make -s -C "$build" -j2 examples; } || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/asyncdb-web.XXXXXX") || exit 1
services=
clean_up() {
    [ -z "$services" ] || kill $services
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# start COMMAND…: a service, in the background; its port is in $port.
start() {
    rm -f "$work/said"
    mkfifo "$work/said" || exit 1
    "$@" >"$work/said" &
    services="$services $!"
    exec 3<"$work/said"
    read -r port <&3 || exit 1
    port=${port##* }
}

# measure PORT: answers a second.
measure() {
    line=$(wrk -t 1 -c 64 -d "${2:-3}" -s tests/bench/bench_web.lua "http://127.0.0.1:$1" | grep '^rate')
    case $line in
    *' bad 0') echo "$line" | cut -d ' ' -f 2 ;;
    *) echo "not all requests were answered: $line" >&2 && exit 1 ;;
    esac
}

start "$build/examples/notes_server" -p 0 "sqlite:///$work/notes.db"
ours=$port
"$python" tests/bench/bench_web.py fill "$work/notes.db" || exit 1
start "$python" tests/bench/bench_web.py "$work/notes.db"
theirs=$port

measure "$ours" 1 >"$work/warm" && measure "$theirs" 1 >"$work/warm" || exit 1
round=0
while [ "$round" -lt "${ADB_BENCH_PAIRS:-7}" ]; do
    rates="$(measure "$ours") $(measure "$theirs")"
    [ "$(echo "$rates" | wc -w)" -eq 2 ] || exit 1
    echo "$round $rates"
    round=$((round + 1))
done >"$work/rounds"

# median COLUMN
median() {
    awk -v column="$1" '{ $4 = $2 / $3; print $column }' "$work/rounds" | sort -n |
        awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

name="Web service: point select, SQLite, 64 connections"
ratio=$(median 4)
held=$(awk -v ratio="$ratio" 'BEGIN { print ratio >= 10 ? "held" : "missed" }')
echo "web  $name"
printf '  %-22s %10.0f/s\n' asyncdb "$(median 2)"
printf '  %-22s %10.0f/s x %5.2f\n' "aiohttp with databases" "$(median 3)" "$ratio"
echo "  W1: $ratio times the rate of aiohttp with databases, wanted at least 10: $held"
if [ -n "${ADB_BENCH_OUT:-}" ]; then
    awk -v name="$name" '{
        printf "web,\"%s\",\"asyncdb\",rate,%d,%g\n", name, $1, $2
        printf "web,\"%s\",\"aiohttp with databases\",rate,%d,%g\n", name, $1, $3
    }' "$work/rounds" >>"$ADB_BENCH_OUT/figures.csv"
    echo "W1,\"$name\",\"times the rate of aiohttp with databases\",$ratio,at least,10,$held" >>"$ADB_BENCH_OUT/goals.csv"
fi
