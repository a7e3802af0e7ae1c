#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What the public headers declare as ADB_API, what asyncdb.map lists and what the shared library exports are one set.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

awk -f tests/lib/public-names.awk $(find include -name '*.h') | sort >"$work/headers"
sed -n 's/^ *\(adb_[a-z0-9_]*\);.*/\1/p' lib/asyncdb.map | sort >"$work/map"

library=$build/lib/.libs/libasyncdb.so
if [ -e "$library" ]; then
    # The nodes of the map are symbols too, of type A.
    ${NM:-nm} -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/library"
else
    cp "$work/map" "$work/library"
fi

compare() {
    comm -23 "$work/$1" "$work/$2" | sed "s/\$/: in the $1, not in the $2/"
    comm -13 "$work/$1" "$work/$2" | sed "s/\$/: in the $2, not in the $1/"
}

conclude "$(
    [ -s "$work/headers" ] || echo "no name found in the headers"
    uniq -d "$work/headers" | sed 's/$/: declared twice/'
    sort -c "$work/map" 2>&1
    compare headers map
    compare map library
)"
