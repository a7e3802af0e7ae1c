#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each ADB_API function, and each function of an adapter, has a doc comment right above it that ends with Ownership, Blocking,
# Threads and Since.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

conclude "$(
    find include/asyncdb -name '*.h' | sort | xargs awk '
        FNR == 1 { doc = ""; in_doc = 0 }
        /^\/\*\*/ { in_doc = 1; doc = "" }
        in_doc { doc = doc $0 "\n" }
        /\*\// { in_doc = 0; next }
        in_doc { next }
        /^ADB_API / && !/^ADB_API extern / || /^static inline / && !/[ *]adb__/ {
            name = $0
            sub(/\(.*/, "", name)
            sub(/.*[ *]/, "", name)
            if (doc == "")
                print FILENAME ":" FNR ": " name ": has no doc comment of its own"
            else if (doc !~ /\n \* Ownership: .*\n \* Blocking:  .*\n \* Threads:   .*\n \* Since:     [0-9.]+\n \*\/\n$/)
                print FILENAME ":" FNR ": " name ": does not end with Ownership, Blocking, Threads, Since"
        }
        { doc = "" }'
)"
