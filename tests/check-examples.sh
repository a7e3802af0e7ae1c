#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each example runs to its end in an empty folder: without arguments, and on each database of ADB_TEST_EXAMPLE_URLS.
# $ADB_EXAMPLES names them, from the build tree.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

passed=0
failed=0

# check_example EXAMPLE [URL]
check_example() {
    where=$1${2:+ on ${2%%:*}}
    mkdir "$work/run"
    (cd "$work/run" && "$build/$1" ${2:+"$2"}) >"$work/log" 2>&1 </dev/null
    case $? in
    0)
        passed=$((passed + 1))
        echo "ok $where"
        ;;
    77) # what it works on is not on this machine
        echo "skipped $where: $(tail -n 1 "$work/log")"
        ;;
    *)
        failed=$((failed + 1))
        cat "$work/log"
        echo "not ok $where"
        ;;
    esac
    rm -rf "$work/run"
}

for example in ${ADB_EXAMPLES:-}; do
    check_example "$example"
    for url in ${ADB_TEST_EXAMPLE_URLS:-}; do
        check_example "$example" "$url"
    done
done
echo "$check: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
