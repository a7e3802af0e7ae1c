#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The shared library without a compiler: examples/python_ctypes.py says the same on each database, and is short.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

library=$build/lib/.libs/libasyncdb.so.0
command -v python3 >/dev/null && python3 -c 'import ctypes' 2>/dev/null || skip "no python3 with ctypes"
[ -e "$library" ] || skip "no shared library"
make_work_dir

# A library that watches itself wants its runtime to be there first, and Python's own leaks are no business of ours. That of
# ThreadSanitizer does not bear a program that was built without it.
case ${ADB_SANITIZE_FLAGS:-} in
*address*) runtime=libasan.so ;;
*thread*) skip "Python is not built with ThreadSanitizer" ;;
*) runtime= ;;
esac
preload=
if [ -n "$runtime" ]; then
    preload=$(${CC:-cc} -print-file-name=$runtime)
    [ -e "$preload" ] || skip "no $runtime to be loaded first"
fi

run_python() {
    (cd "$work" && LD_LIBRARY_PATH=$build/lib/.libs LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 \
        python3 "$top/examples/python_ctypes.py" "$@" 2>&1)
}

expected="[[0, '№ 0'], [1, '№ 1'], [7, '№ 7']]
ten thousand million rows take too long: cancelled
[[10, '№ 9']]"

check_databases() {
    for url in "" ${ADB_TEST_EXAMPLE_URLS:-}; do
        [ -n "$url" ] || grep -q 'define ADB_HAVE_SQLITE 1' "$build/lib/config.h" || continue
        said=$(run_python ${url:+"$url"})
        [ "$said" = "$expected" ] || echo "on ${url:-SQLite}: $said"
    done
}

check_length() {
    [ "$(wc -l <examples/python_ctypes.py)" -lt 100 ] || echo "examples/python_ctypes.py has 100 lines or more"
}

conclude "$(
    check_databases
    check_length
)"
