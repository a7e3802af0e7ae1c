#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh clone to running programs: installs what is missing (Debian, as root), builds, runs two examples.
#
#   sh examples/run.sh          on SQLite, in a temporary folder
#   sh examples/run.sh URL      on the database of that URL; its tables notes, characters and copy are made anew
#
# Environment: ADB_BUILD_DIR (build), ADB_CONFIGURE_FLAGS, CC.

cd "$(dirname "$0")/.." || exit 1
. tests/lib/setup.sh

say() {
    printf '\n=== %s\n' "$1"
}

say "1. What asyncdb needs: a C compiler, autotools, SQLite, and the Unicode table that an example imports"
need_build
need unicode-data test -e /usr/share/unicode/UnicodeData.txt
if [ -z "$missing" ]; then
    echo "everything is there"
fi
install_needed

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

build=${ADB_BUILD_DIR:-build}
say "2. Build the library and the examples in $build"
began=$(date +%s)
if ! { configure_in "$build" ${ADB_CONFIGURE_FLAGS:-} && make -s -C "$build" -j2 all examples; } >"$work/log" 2>&1; then
    tail -n 40 "$work/log"
    echo "the build failed" >&2
    exit 1
fi
echo "done in $(($(date +%s) - began)) s"
build=$(cd "$build" && pwd) && cd "$work" || exit 1

# run_example NUMBER NAME WHAT
run_example() {
    say "$1. $3: examples/$2.c"
    "$build/examples/$2" ${url:+"$url"} || {
        echo "examples/$2 failed" >&2
        exit 1
    }
}

url=${1:-}
run_example 3 quickstart "The tour, on ${url:-a SQLite file in a temporary folder}"
run_example 4 import "Import 35,000 rows twice, with questions in between"

say "All went well"
cat <<END
The programs are in $build/examples. Each takes the URL of a database:
    $build/examples/quickstart sqlite:///quickstart.db
examples/README.md says in which order to read them, README.md how to build a program of your own.
END
