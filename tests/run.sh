#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Everything from a fresh clone: installs what is missing (Debian, as root), builds out of tree, starts servers of its
# own, runs all tests, and stops the servers.
#
# Environment: ADB_BUILD_DIR (build), ADB_CONFIGURE_FLAGS, CC, ADB_TEST_URLS (databases for the conformance suite, blank or
# comma between them; what is in them is lost). A driver that the flags exclude needs no server.
# The last line is "N passed, N failed", with the skipped ones after it when there are any.

cd "$(dirname "$0")/.." || exit 1
. tests/lib/setup.sh

need_build
need_servers
need g++ have c++
need libcunit1-dev pkg-config --exists cunit
need zlib1g-dev can_link_private
need universal-ctags have ctags
need spin have spin
need_gui
need_loops
need_web
need wrk have wrk
need python3 have python3
need doxygen have doxygen
need groff-base have groff
need mandoc have mandoc
install_needed

build=${ADB_BUILD_DIR:-build}
jobs=$(nproc 2>/dev/null || echo 2)
[ "$jobs" -ge 2 ] || jobs=2

# Flags are words; none has a space in it.
configure_in "$build" ${ADB_CONFIGURE_FLAGS:-} || exit 1
make -C "$build" -j"$jobs" || exit 1

# More tests than processors at once, as many of them mostly wait.
at_once=$((jobs + 1))

top=$(cd "$build" && pwd) || exit 1
began=$(date +%s)
if ! start_servers "$build"; then
    echo "the servers for the tests did not start" >&2
    exit 1
fi
echo "servers: ${kinds:-none}, started in $(($(date +%s) - began)) s"

# The suite for databases by URL: one of each kind, unless somebody has better ones.
rm -f "$top"/conformance.db*
if [ -z "${ADB_TEST_URLS:-}" ]; then
    ! wants sqlite || ADB_TEST_URLS=sqlite:///$top/conformance.db
    ADB_TEST_URLS="${ADB_TEST_URLS:-} ${ADB_TEST_SERVER_URLS:-}"
fi
export ADB_TEST_URLS

# The results are read from the files that the test harness of automake leaves: <test>.trs says how the program ended,
# <test>.log ends with its own counts.
find "$build" -name '*.trs' -exec rm -f {} +
make -C "$build" -k -j"$at_once" check >"$build/check.log" 2>&1
check_status=$?
stop_servers

count_lines() {
    find "$build" -name '*.trs' | sort | while read -r trs; do
        log=${trs%.trs}.log
        ended=$(sed -n 's/^:test-result: //p' "$trs")
        counts=$(grep -E '^[^ ]+: [0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
        echo "$ended ${log#"$build"/} ${counts:-none}"
    done
}

count_lines >"$build/counts"
[ -s "$build/counts" ] || grep -E 'error|warning|undefined|\*\*\*' "$build/check.log" | tail -n 40

# What was done to servers and networks, and what became of the jobs.
grep -hE '^# .* [0-9]+ outcomes' "$build"/tests/faults/*.log 2>/dev/null | sed 's/^# //'

# A program that fails without counting a failure (a crash, a leak, a time-out) is one more that failed.
awk -v status="$check_status" '
    $3 != "none" { line = $0; sub(/^[^ ]+ [^ ]+ /, "", line); passed += $4; failed += $6 }
    $1 == "SKIP" { skipped++; line = $2 ": skipped" }
    $1 != "SKIP" && $3 == "none" { line = $2 ": ended without counts" }
    $1 != "PASS" && $1 != "SKIP" && ($3 == "none" || $6 == 0) { failed++; line = line " (" $1 ")" }
    { print line }
    END {
        if (status != 0 && failed == 0) {
            print "make check failed: see check.log in the build tree"
            failed = 1
        }
        if (passed == 0 && failed == 0)
            failed = 1
        print passed + 0 " passed, " failed + 0 " failed" (skipped ? ", " skipped " skipped" : "")
        exit failed != 0
    }' "$build/counts" >"$build/report"
status=$?

# What failed is printed last, before the sum: whoever keeps only the end of this sees it.
sed '$d' "$build/report"
while read -r ended log counts; do
    case $ended in
    PASS | SKIP) ;;
    *)
        echo "--- $log"
        grep -vE '^ok ' "$build/$log" | tail -n 40
        ;;
    esac
done <"$build/counts"
tail -n 1 "$build/report"
exit "$status"
