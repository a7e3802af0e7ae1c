#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# All benchmarks from a fresh clone: installs what is missing (Debian, as root), builds with -O2 out of tree, starts
# servers of its own, runs the benchmarks one after the other, and makes tables and plots of their figures. Names as
# arguments (select python) run only those.
#
# Environment: ADB_BUILD_DIR (build-bench), ADB_BENCH_PAIRS (7), ADB_BENCH_ONLY (contests, by the word that their line
# begins with), ADB_BENCH_FULL (the ten million jobs too), ADB_BENCH_PUBLISH (write the figures into README.md and the
# plots into docs/plots), PYTHON (/usr/bin/python3), TMPDIR (on the disk to measure), CC.

cd "$(dirname "$0")/../.." || exit 1
. tests/lib/setup.sh

python=${PYTHON:-/usr/bin/python3}
need_build
need_servers
need libcunit1-dev pkg-config --exists cunit
need libuv1-dev pkg-config --exists libuv
need gnuplot-nox have gnuplot
need_web
need wrk have wrk
need python3-aiohttp "$python" -c 'import aiohttp'
need python3-databases "$python" -c 'import databases'
need python3-aiosqlite "$python" -c 'import aiosqlite'
! wants postgresql || need python3-asyncpg "$python" -c 'import asyncpg'
install_needed

build=${ADB_BUILD_DIR:-build-bench}
configure_in "$build" CFLAGS=-O2 && make -s -C "$build" -j2 bench || exit 1
bench=$(cd "$build/tests/bench" && pwd)

# A server that waits for its disk, and so is on one. The others are where nothing waits.
start_durable() {
    durable=$(mktemp -d "${TMPDIR:-/tmp}/asyncdb.XXXXXX") || return 1
    ADB_TEST_OWNER=$$ sh tests/servers/start.sh "$durable" postgresql &&
        sh "$durable/own.sh" start postgresql durable fsync=on synchronous_commit=on >"$durable/shown" || return 1
    ADB_BENCH_DURABLE_POSTGRESQL_URL=$(sed -n 's/^url=//p' "$durable/shown")
    export ADB_BENCH_DURABLE_POSTGRESQL_URL
}

# The shared server, a millisecond away.
start_delayed() {
    ADB_TEST_CHAOS=$(cd "$build/tests/servers" && pwd)/chaos
    export ADB_TEST_CHAOS
    sh "$ADB_TEST_SERVERS/own.sh" start chaos delayed "$ADB_TEST_SERVERS/postgresql" >"$servers/shown" &&
        sh "$ADB_TEST_SERVERS/own.sh" tell delayed delay 1000 >/dev/null || return 1
    ADB_BENCH_DELAYED_POSTGRESQL_URL=$(sed -n 's,/adb_test$,/adb_socket?sslmode=disable,; s/^url=//p' "$servers/shown")
    export ADB_BENCH_DELAYED_POSTGRESQL_URL
}

# The kernel's trace points, by which system calls are counted, are where somebody has mounted them. Root may.
show_trace_points() {
    [ ! -r /sys/kernel/tracing/events/raw_syscalls/sys_enter/id ] || return 0
    if [ "$(id -u)" = 0 ] && mount -t tracefs nodev /sys/kernel/tracing; then
        mounted=/sys/kernel/tracing
    else
        echo "system calls are not counted (A2): no trace points in /sys/kernel/tracing" >&2
    fi
}

stop_all() {
    [ -z "$mounted" ] || umount "$mounted"
    [ -z "$durable" ] || sh "$tree/tests/servers/stop.sh" "$durable"
    [ -z "$durable" ] || rm -rf "$durable"
    stop_servers
}

start_servers "$build" || exit 1
durable=
mounted=
trap stop_all EXIT
show_trace_points
if [ -n "${ADB_TEST_POSTGRESQL_URL:-}" ]; then
    start_durable && start_delayed || exit 1
fi

ADB_BENCH_OUT=$bench/out
ADB_BENCH_PYTHON=$tree/tests/bench/bench_python.py
export ADB_BENCH_OUT ADB_BENCH_PYTHON
mkdir -p "$ADB_BENCH_OUT" && rm -f "$ADB_BENCH_OUT"/*.csv
uptime | sed 's/.*load/load/' >"$ADB_BENCH_OUT/load"

shim=$bench/.libs/bench_shim.so
[ -e "$shim" ] || shim= # of a build without shared libraries

# A benchmark that hangs has failed.
failed=0
for name in ${*:-roundtrip select postgresql mysql insert iterate fairness context python copy web}; do
    case $name in
    web) ADB_BUILD_DIR=$build sh tests/bench/bench_web.sh || failed=1 ;;
    *) LD_PRELOAD=$shim timeout -k 10 1200 "$bench/bench_$name" || failed=1 ;;
    esac
done
uptime | sed 's/.*load/load/' >>"$ADB_BENCH_OUT/load"
"$python" tests/bench/report.py "$ADB_BENCH_OUT" ${ADB_BENCH_PUBLISH:+--publish} || failed=1
exit "$failed"
