#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each example runs to its end, in an empty folder, without arguments. $ADB_EXAMPLES names them, from the build tree.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

passed=0
failed=0
for example in ${ADB_EXAMPLES:-}; do
    mkdir "$work/run"
    (cd "$work/run" && "$build/$example") >"$work/log" 2>&1 </dev/null
    case $? in
    0)
        passed=$((passed + 1))
        echo "ok $example"
        ;;
    77) # what it works on is not on this machine
        echo "skipped $example: $(tail -n 1 "$work/log")"
        ;;
    *)
        failed=$((failed + 1))
        cat "$work/log"
        echo "not ok $example"
        ;;
    esac
    rm -rf "$work/run"
done
echo "$check: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
