#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# README's table of what each database gives says what the conformance suite has tried out: each of its programs prints
# what its database gives, and tests that this is so (tests/conformance/driver_suite_gives.c).

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

readme=README.md

# gives PROGRAM: lines "what|yes" and "what|no"; nothing where the driver is not built in.
gives() {
    program=$build/tests/conformance/$1
    [ ! -x "$program" ] || "$program" --gives | grep '|'
}

gives test_sqlite_file >"$work/file"
gives test_sqlite_memory >"$work/memory"
gives test_postgresql >"$work/postgresql"
gives test_mysql >"$work/mysql"
for database in file memory postgresql mysql; do
    [ -s "$work/$database" ] || skip "not every driver is built in"
done

# said FILE WHAT
said() {
    awk -F'|' -v what="$2" '$1 == what { print $2 }' "$1"
}

# One row for each gift, as README must have it.
rows() {
    while IFS='|' read -r what file; do
        memory=$(said "$work/memory" "$what")
        [ "$file" = "$memory" ] || file="files: $file; memory: $memory"
        echo "| $what | $file | $(said "$work/postgresql" "$what") | $(said "$work/mysql" "$what") |"
    done <"$work/file"
}

rows >"$work/rows"
conclude "$(while read -r row; do
    grep -qF -- "$row" "$readme" || echo "$readme: the table of what each database gives lacks the row $row"
done <"$work/rows")"
