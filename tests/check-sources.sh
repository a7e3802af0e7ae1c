#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every file of the project is named in a Makefile, so that no tarball lacks one; and every source says its licence.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

# The words of the Makefiles, paths from the top. A program stands for the source of its name.
named() {
    for list in Makefile.am lib/Makefile.inc tests/Makefile.inc tests/loops/Makefile.inc examples/Makefile.inc docs/manual/Makefile.inc; do
        sed "s,%D%,$(dirname "$list"),g; s/#.*//" "$list" | tr -s ' \t\\=' '\n'
    done | sed 's,^\./,,' | sort -u
}

files() {
    find include lib tests examples pkgconfig docs/manual -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' -o -name '*.md' \
        -o -name '*.map' -o -name '*.pml' -o -name '*.in' -o -name '*.supp' -o -name '*.dict' -o -name '*.sql' -o -name '*.csv' \
        -o -name '*.cpp' -o -name '*.py' -o -name '*.sed' -o -name '*.txt' -o -path '*/corpus/*' \) \
        ! -name config.h ! -name config.h.in ! -path 'docs/manual/html/*' ! -path 'docs/manual/xml/*' | sort
}

# A file is listed by its path, as the program made of it alone, or with the folder it is in.
check_listed() {
    files | awk -v names="$names" '
        BEGIN {
            n = split(names, name, "\n")
            for (i = 1; i <= n; i++)
                listed[name[i]] = 1
        }
        $0 == "pkgconfig/asyncdb.pc.in" { next } # configure.ac names it
        {
            path = $0
            found = path in listed
            program = path
            sub(/\.(c|cpp)$/, "", program)
            if (path ~ /^(tests|examples)\//)
                found = found || program in listed
            while (!found && sub(/\/[^\/]*$/, "", path))
                found = path ~ /\// && path in listed
            if (!found)
                print $0 ": in no Makefile.inc"
        }'
}

check_licence() {
    files | grep -E '\.([ch]|sh|awk|map|cpp|py|sed)$' | while read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' || echo "$file: opens without its licence"
    done
}

names=$(named)
conclude "$(
    check_listed
    check_licence
)"
