#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# An installed library is all that a program needs: make install into an empty place, build a program outside of the tree
# with what pkg-config says and nothing else, shared and static, and run it.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

cc=${CC:-cc}
tree=$work/tree
program=$work/program
outside=$top/tests/install/outside.c

# The sanitizers of the library, when it has any, are those of the program.
flags=${ADB_SANITIZE_FLAGS:-}

log() {
    "$@" >>"$work/log" 2>&1
}

failed() {
    cat "$work/log" 2>/dev/null
    echo "$1"
}

# What pkg-config says of the library in $tree, as if that were the root of the system.
ask() {
    PKG_CONFIG_SYSROOT_DIR=$tree PKG_CONFIG_PATH=$pc_dir pkg-config "$@" asyncdb
}

write_program() {
    cat >"$program.c" <<'END'
#include <asyncdb.h>
#include <stdio.h>

int main(void)
{
    adb_error error;
    adb_url *url;
    if (adb_url_parse("sqlite:///notes.db", &url, &error) != ADB_OK)
        return fprintf(stderr, "%s\n", error.message), 1;
    adb_url_free(url);
    printf("%s %s\n", adb_version(), adb_version_number() == ADB_VERSION ? "same" : "other");
    return adb_queue_fd(ADB_QUEUE_DIRECT) == -1 ? 0 : 1;
}
END
}

# build_and_run NAME FLAGS…
build_and_run() {
    name=$1
    shift
    log $cc -std=c11 -Wall -Werror $flags "$program.c" -o "$program-$name" "$@" ||
        { failed "the $name program does not build"; return; }
    said=$(LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$program-$name" 2>&1)
    [ "$said" = "$(ask --modversion) same" ] || echo "the $name program said: $said"
    ! has_sqlite || build_and_run_outside "$@"
}

# The program of thirty lines that uses every verb of the library.
build_and_run_outside() {
    log $cc -std=c11 -Wall -Werror $flags "$outside" -o "$program-outside" "$@" ||
        { failed "the outside program does not build"; return; }
    LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$program-outside" >>"$work/log" 2>&1 ||
        failed "the $name outside program fails"
}

has_sqlite() {
    ask --static --libs-only-l | grep -q sqlite3
}

# A machine without the static libraries of others, or with sanitizers, cannot tell.
can_link_all_static() {
    [ -z "$flags" ] && $cc -static "$work/empty.c" -o "$work/empty" -Wl,-u,sqlite3_open,-u,PQconnectdb,-u,mysql_init \
        $(ask --static --libs-only-l | sed 's/-lasyncdb//') >/dev/null 2>&1
}

needs_shared() {
    ${READELF:-readelf} -d "$program-$1" 2>/dev/null | grep -q 'libasyncdb\.so'
}

check_install() {
    log make -C "$build" install DESTDIR="$tree" || { failed "make install fails"; return; }
    pc=$(find "$tree" -name asyncdb.pc)
    [ -n "$pc" ] || { failed "no asyncdb.pc was installed"; return; }
    pc_dir=$(dirname "$pc")
    libraries=$tree$(PKG_CONFIG_PATH=$pc_dir pkg-config --variable=libdir asyncdb)
    write_program

    if [ -e "$libraries/libasyncdb.so" ]; then
        ask --libs | grep -q sqlite && echo "pkg-config --libs names a private library"
        build_and_run shared $(ask --cflags --libs)
        needs_shared shared || echo "the shared program does not use the shared library"
    fi
    if [ -e "$libraries/libasyncdb.a" ]; then
        rm -f "$libraries"/libasyncdb.so*
        build_and_run static $(ask --static --cflags --libs)
        echo 'int main(void) { return 0; }' >"$work/empty.c"
        ! can_link_all_static || build_and_run all-static -static $(ask --static --cflags --libs)
    fi

    log make -C "$build" uninstall DESTDIR="$tree" || failed "make uninstall fails"
    left=$(find "$tree" ! -type d)
    [ -z "$left" ] || echo "make uninstall leaves: $left"
}

conclude "$(check_install)"
