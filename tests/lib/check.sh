# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the shell checks. They run at the top of the source tree; $build is the top of the build tree, which make
# check gives them, and tests/run.sh leaves in build.
#
# A check collects its complaints, one a line, and ends with: conclude "$complaints"
# One of several claims makes each of them, and ends with: conclude_claims

check=$(basename "$0" .sh)
top=$(cd "${top_srcdir:-$(dirname "$0")/..}" && pwd) || exit 99
build=$(cd "${top_builddir:-$top/build}" 2>/dev/null && pwd) || build=/nonexistent
cd "$top" || exit 99

LC_ALL=C
export LC_ALL
# The checks run make themselves: not as part of the make that runs them.
unset MAKEFLAGS MFLAGS MAKELEVEL

conclude() {
    if [ -n "$1" ]; then
        printf '%s\n' "$1"
        echo "$check: 0 passed, 1 failed"
        exit 1
    fi
    echo "$check: 1 passed, 0 failed"
    exit 0
}

passed=0
failed=0

# claim NAME COMPLAINTS: one check; it passes when there are no complaints.
claim() {
    if [ -n "$2" ]; then
        failed=$((failed + 1))
        printf '%s\n' "$2"
        echo "not ok $1"
    else
        passed=$((passed + 1))
        echo "ok $1"
    fi
}

conclude_claims() {
    echo "$check: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# The tool that would tell is not here.
skip() {
    echo "$check: skipped: $1"
    exit 77
}

# A directory of its own, removed at the end.
make_work_dir() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/asyncdb-$check.XXXXXX") || exit 99
    trap 'rm -rf "$work"' EXIT
    trap 'exit 99' HUP INT TERM
}
