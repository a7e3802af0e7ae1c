#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The recipes of examples/README.md compile, each with the adapter that it includes, and every adapter has one.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
. tests/lib/adapters.sh
make_work_dir

readme=examples/README.md
cc=${CC:-cc}
for cxx in ${CXX:-} c++ g++ clang++; do
    command -v "$cxx" >/dev/null && break
    cxx=
done

# The n-th piece of C or C++, from 1.
block() {
    awk -v wanted="$1" '
        /^```/ { inside = 0 }
        inside && n == wanted { print }
        /^```(c|cpp)$/ { inside = 1; n++ }' "$readme"
}

# What it includes, and the rest in a function, where the names that a recipe takes for granted are known.
whole() {
    grep '^#include' "$work/block"
    case $1 in
    *glib.h)
        more=", GMainLoop *main_loop, GAsyncReadyCallback on_ready, void *window"
        unused="(void)main_loop; (void)on_ready; (void)window;"
        ;;
    *qt.h) more=", QObject *window" unused= ;;
    *) more= unused= ;;
    esac
    parameters="adb_database *db, adb_done_cb on_done$more"
    grep -q 'adb_context \*ctx' "$work/block" || parameters="$parameters, adb_context *ctx"
    echo "void recipe($parameters);"
    echo "void recipe($parameters)"
    echo "{ (void)db; (void)on_done; $unused"
    grep -v '^#include' "$work/block"
    echo '}'
}

check_block() {
    block "$1" >"$work/block"
    header=$(sed -n 's,^#include <\(asyncdb/adapters/.*\)>$,\1,p' "$work/block")
    echo "$header" >>"$work/headers"
    has_loop "$header" || return 0
    whole "$header" >"$work/recipe.c"
    set -- -Wall -Wextra -Werror -fsyntax-only -Iinclude $(adapter_flags "$header") "$work/recipe.c"
    if is_cxx_adapter "$header"; then
        [ -z "$cxx" ] || $cxx -std=c++17 -x c++ "$@" 2>&1
    else
        $cc -std=c11 "$@" 2>&1
    fi || echo "$readme: the recipe for $header does not compile"
}

n_blocks=$(grep -cE '^```(c|cpp)$' "$readme")
conclude "$(
    for n in $(seq 1 "$n_blocks"); do
        check_block "$n"
    done
    for header in $(cd include && find asyncdb/adapters -name '*.h'); do
        grep -qxF "$header" "$work/headers" || echo "$readme: no recipe for $header"
    done
)"
