#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each fuzz target for $ADB_FUZZ_SECONDS (60), with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer of clang.
# Not part of make check. Builds in $ADB_BUILD_DIR (build-fuzz); what a target chokes on is left there.

cd "$(dirname "$0")/.." || exit 1
. tests/lib/setup.sh

build=${ADB_BUILD_DIR:-build-fuzz}
seconds=${ADB_FUZZ_SECONDS:-60}
CC=clang
export CC

configure_in "$build" --disable-shared --enable-sanitize=address,undefined CFLAGS='-g -O1 -fsanitize=fuzzer-no-link' &&
    make -C "$build" -k -j2 fuzzers AM_LDFLAGS=-fsanitize=fuzzer,address,undefined || exit 1
build=$(cd "$build" && pwd) || exit 1

passed=0
failed=0
for source in tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    found=$build/found/$target
    mkdir -p "$found"
    name=${target#fuzz_}
    extra=
    [ -e "tests/fuzz/$name.dict" ] && extra=-dict=tests/fuzz/$name.dict
    [ -d "tests/fuzz/corpus/$name" ] && extra="$extra tests/fuzz/corpus/$name"
    log=$build/$target.log
    if "$build/tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
        -artifact_prefix="$build/$target-" "$found" $extra >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok $target: $(tail -n 1 "$log")"
    else
        failed=$((failed + 1))
        tail -n 60 "$log"
        echo "not ok $target"
    fi
done
echo "check-fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
