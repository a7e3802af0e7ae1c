#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Names and sizes: base names are unique in lib/, globals are adb_ (exported) or adb__, guards follow the path, no file
# is longer than 600 lines, and no function of lib/ and examples/ than 60, unless "/* long: reason */" stands right above.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

check_base_names() {
    for suffix in c h; do
        find lib -name "*.$suffix" | sed 's,.*/,,' | sort | uniq -d | sed 's/$/: two files of lib bear this name/'
    done
}

check_guards() {
    find include lib tests examples -name '*.h' ! -name config.h | sort | while read -r header; do
        guard=$(echo "$header" | sed 's,^include/,,; s,^lib/,adb/,; s,^tests/lib/,tests/,; s,^\(tests\|examples\)/,adb/&,' |
            tr 'a-z/.-' 'A-Z___')
        # The base name is enough for what only tests see.
        short=ADB_TESTS_$(basename "$header" .h | tr 'a-z-' 'A-Z_')_H
        grep -qE "^#ifndef ($guard|$short)\$" "$header" || echo "$header: the include guard is $guard"
    done
}

check_globals() {
    archive=$build/lib/.libs/libasyncdb_core.a
    [ -e "$archive" ] || return 0
    ${NM:-nm} -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' |
        grep -vE '^(adb__|__(asan|tsan|ubsan|odr_asan|sanitizer|start|stop))' | sort -u | while read -r name; do
        grep -q "^    $name;" lib/asyncdb.map || echo "$name: a global of the library is adb__, or public"
    done
}

check_files() {
    find include lib tests examples \( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' \) ! -name config.h |
        sort | while read -r file; do
        n=$(wc -l <"$file")
        [ "$n" -le 600 ] || echo "$file: $n lines, at most 600"
    done
}

check_functions() {
    find lib examples -name '*.[ch]' ! -name config.h | sort |
        ctags -x --_xformat='%F %n %e %N' --fields=+ne --kinds-C=f -L - | while read -r file first last name; do
        [ $((last - first + 1)) -gt 60 ] || continue
        # The declaration may start a line above its name, with the return type or an attribute.
        sed -n "$((first > 3 ? first - 3 : 1)),$((first - 1))p" "$file" | grep -q '/\* long: .* \*/' ||
            echo "$file:$first: $name: $((last - first + 1)) lines, at most 60 without /* long: reason */"
    done
}

complaints=$(
    check_base_names
    check_guards
    check_globals
    check_files
    ctags --version 2>/dev/null | grep -q 'Universal Ctags' && check_functions
)
[ -n "$complaints" ] || ctags --version 2>/dev/null | grep -q 'Universal Ctags' ||
    skip "no Universal Ctags to measure functions; names and files are well"
conclude "$complaints"
