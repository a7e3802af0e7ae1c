#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each example runs to its end, in an empty folder, without arguments. $ADB_EXAMPLES names them, from the build tree.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

passed=0
failed=0
for example in ${ADB_EXAMPLES:-}; do
    mkdir "$work/run"
    if (cd "$work/run" && "$build/$example") >"$work/log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "ok $example"
    else
        failed=$((failed + 1))
        cat "$work/log"
        echo "not ok $example"
    fi
    rm -rf "$work/run"
done
echo "$check: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
