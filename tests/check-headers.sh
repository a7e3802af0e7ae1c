#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each header compiles alone and twice: the public ones as C11 and as C++17, the private ones as C11.
# An adapter needs its event loop; without that it is left out, and named.
# A program with all that is made in place compiles as each C++ since C++11, with each compiler there is.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
. tests/lib/adapters.sh

cc=${CC:-cc}
for cxx in ${CXX:-} c++ g++ clang++; do
    command -v "$cxx" >/dev/null && break
    cxx=
done
warnings="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only"

# twice HEADER COMPILER FLAGS…: silent when all is well.
twice() {
    header=$1
    shift
    printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$header" "$header" | "$@" - 2>&1 ||
        echo "$header: does not compile alone: $*"
}

check_public() {
    for header in asyncdb.h $(cd include && find asyncdb -name '*.h' | sort); do
        if ! has_loop "$header"; then
            echo "left out for want of its loop: $header" >&3
            continue
        fi
        flags=$(adapter_flags "$header")
        is_cxx_adapter "$header" || twice "$header" $cc -std=c11 $warnings -Wstrict-prototypes -Iinclude $flags -x c
        [ -z "$cxx" ] || twice "$header" $cxx -std=c++17 $warnings -Iinclude $flags -x c++
    done
}

# client_module HEADER: what pkg-config calls the client library of a driver's header; nothing for all others.
client_module() {
    case $1 in
    drivers/sqlite/*) echo sqlite3 ;;
    drivers/postgresql/*) echo libpq ;;
    drivers/mysql/*) pkg-config --exists libmariadb && echo libmariadb || echo mysqlclient ;;
    esac
}

check_private() {
    for header in $(cd lib && find . -name '*.h' ! -name config.h | sed 's,^\./,,' | sort); do
        flags=
        module=$(client_module "$header")
        if [ -n "$module" ]; then
            pkg-config --exists "$module" || continue
            flags=$(pkg-config --cflags "$module")
        fi
        twice "$header" $cc -std=c11 -D_GNU_SOURCE $warnings -Iinclude -Ilib $flags -x c
    done
}

check_cplusplus() {
    pkg-config --exists cunit || return 0
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        for language in c++11 c++17 c++20; do
            $compiler -std=$language $warnings -Wold-style-cast -I. -Iinclude $(pkg-config --cflags cunit) \
                tests/integration/test_cplusplus.cpp 2>&1 ||
                echo "test_cplusplus.cpp: does not compile as $language with $compiler"
        done
    done
}

exec 3>&1
complaints=$(check_public && check_private && check_cplusplus)
[ -n "$complaints" ] || [ -n "$cxx" ] || skip "no C++ compiler; as C, all headers are well"
conclude "$complaints"
