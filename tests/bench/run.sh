#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# All benchmarks from a fresh clone: installs what is missing (Debian, as root), builds with -O2 out of tree, starts servers
# of its own, runs the benchmarks one after the other and prints their lines. Names as arguments (select python) run only
# those.
#
# Environment: ADB_BUILD_DIR (build-bench), ADB_BENCH_PAIRS (7), PYTHON (/usr/bin/python3), TMPDIR (on the disk to
# measure), CC.

cd "$(dirname "$0")/../.." || exit 1
. tests/lib/setup.sh

python=${PYTHON:-/usr/bin/python3}
need_build
need_servers
need libcunit1-dev pkg-config --exists cunit
need libuv1-dev pkg-config --exists libuv
need python3-databases "$python" -c 'import databases'
need python3-aiosqlite "$python" -c 'import aiosqlite'
install_needed

build=${ADB_BUILD_DIR:-build-bench}
configure_in "$build" CFLAGS=-O2 && make -s -C "$build" -j2 bench || exit 1
bench=$(cd "$build/tests/bench" && pwd)

start_servers "$build" || exit 1

# A benchmark that hangs has failed.
failed=0
for name in ${*:-roundtrip select python iterate insert copy context postgresql mysql}; do
    if [ "$name" = python ]; then
        timeout -k 10 900 sh tests/bench/bench_python.sh "$bench/bench_select" || failed=1
    else
        timeout -k 10 600 "$bench/bench_$name" || failed=1
    fi
done
exit "$failed"
