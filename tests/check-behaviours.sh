#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each test that behaviours.md names exists, and each behaviour has a test or says what is open.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

table=tests/conformance/behaviours.md
[ -e "$table" ] || conclude "$table: is missing"

# The names that a row may give: TEST(name) and BOTH(name) of any test program, and the shell tests with and without .sh.
tests=$(
    find tests -name '*.c' -exec sed -n 's/^ *TEST(\([A-Za-z0-9_]*\)).*/\1/p; s/^ *BOTH(\([A-Za-z0-9_]*\)).*/\1/p' {} +
    find tests examples -name '*.sh' | sed 'p; s,.*/,,' | sed 'p; s/\.sh$//'
)

conclude "$(
    sed 's/\\|/;/g' "$table" | awk -F'|' -v tests="$tests" -v table="$table" '
        function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
        function complain(why) { print table ":" FNR ": " trim($2) ": " why }

        BEGIN {
            n = split(tests, name, "\n")
            for (i = 1; i <= n; i++)
                known[name[i]] = 1
        }
        !/^\|/ { heading = 0; next }
        /^\| *ID *\|/ {
            heading = 1
            test_column = open_column = 0
            for (i = 2; i < NF; i++) {
                if (trim($i) == "test")
                    test_column = i
                if (trim($i) == "open")
                    open_column = i
            }
            if (test_column == 0 || open_column == 0)
                complain("the columns are ID, behaviour, test, open")
            next
        }
        heading == 0 || /^\|[-: |]*\|$/ { next }
        {
            rows++
            if (seen[trim($2)]++)
                complain("a second row of this ID")
            if (NF < open_column + 1)
                complain("a column is missing")
            n = split($test_column, named, ",")
            n_tests = 0
            for (i = 1; i <= n; i++) {
                test = trim(named[i])
                gsub(/`/, "", test)
                if (test ~ /^(-|–|—)?$/)
                    continue
                n_tests++
                if (!(test in known))
                    complain("no test is called " test)
            }
            if (n_tests == 0 && trim($open_column) ~ /^(-|–|—)?$/)
                complain("neither a test nor anything open")
        }
        END { if (rows == 0) print table ": has no row" }'
)"
