#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Each test that behaviours.md names exists and runs on the databases that the row says, and each behaviour has a test or
# says what is open. check-behaviours.sh --fill writes the column of databases anew.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

table=tests/conformance/behaviours.md
[ -e "$table" ] || conclude "$table: is missing"

# The names that a row may give, each with the databases on which it runs: S, P and M. Of the suite that is what its
# groups ask for, of tests on a rig what their bodies say, of others what the file is called. Many need no database.
find tests -name '*.c' -exec awk '
    function add(name, letters) { names[++n] = name; on[n] = letters }
    function flush_file() {
        for (i = 1; i <= n; i++)
            print names[i], on[i] != "" ? on[i] : has_sqlite ? "S" : ""
        n = 0
    }
    function named_in(line) { sub(/^[^("]*[("]/, "", line); sub(/[^A-Za-z0-9_].*/, "", line); return line }
    function letters_for(flags) {
        if (flags ~ /LISTEN/)
            return "P"
        if (flags ~ /TLS|REMOTE/)
            return "PM"
        return flags ~ /DEFERRED|UNDOES_DDL/ ? "SP" : flags ~ /KEYS|GOES_ON/ ? "SM" : "SPM"
    }
    function take_group(text, item) {
        while (match(text, /(ANY|SQL|PERSISTENT|NEEDS)\([^()]*\)/)) {
            item = substr(text, RSTART, RLENGTH - 1)
            text = substr(text, RSTART + RLENGTH)
            letters = letters_for(item)
            sub(/.*[(, ]/, "", item)
            add(item, letters)
        }
    }
    FNR == 1 {
        flush_file()
        unit = FILENAME ~ /\/unit\//
        suite = FILENAME ~ /driver_suite/
        rig = has_sqlite = 0
        group = ""
        base = FILENAME ~ /many_databases/ ? "SPM" : ""
        if (base == "" && (!unit || FILENAME ~ /test_sqlite/))
            base = FILENAME ~ /postgresql/ ? "P" : FILENAME ~ /mysql/ ? "M" : FILENAME ~ /sqlite/ ? "S" : ""
    }
    suite && /^GROUP\(/ { group = " " }
    suite {
        if (group != "")
            group = group " " $0
        if (group != "" && /;/) {
            take_group(group)
            group = ""
        }
        next
    }
    /tests\/lib\/rig\.h/ { rig = 1 }
    !unit && !rig && base == "" && /sqlite:/ { has_sqlite = 1 }
    rig && n > 0 && /kind_sqlite/ { on[n] = "S" }
    /^TEST\(/ { add(named_in($0), /_mysql\)/ ? "M" : /_postgresql\)/ ? "P" : base) }
    /^BOTH\(/ { add(named_in($0), "S") }
    /^ON_BOTH\(/ { add(named_in($0), "PM") }
    /^ON_POSTGRESQL\(/ { add(named_in($0), "P") }
    FILENAME ~ /roundtrip/ && /^    \{"[a-z0-9_]*", / { add(named_in($0), base) }
    END { flush_file() }' {} + >"$work/tests"
find tests examples -name '*.sh' | sed 'p; s,.*/,,' | sed 'p; s/\.sh$//' >>"$work/tests"

cat >"$work/check" <<'END'
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function complain(why) { if (!fill) print table ":" FNR ": " trim($2) ": " why }
function written(letters, text, i) {
    for (i = 1; i <= 3; i++) {
        if (index(letters, substr("SPM", i, 1)) > 0)
            text = text (text == "" ? "" : " ") substr("SPM", i, 1)
    }
    return text
}
FNR == NR { known[$1] = 1; databases[$1] = databases[$1] $2; next }
{ line = $0; gsub(/\\\|/, ";"); n_fields = split($0, f, "|") }
!/^\|/ { heading = 0; if (fill) print line; next }
/^\| *ID *\|/ {
    heading = 1
    test_column = on_column = open_column = 0
    for (i = 2; i < n_fields; i++) {
        if (trim(f[i]) == "test")
            test_column = i
        if (trim(f[i]) == "on")
            on_column = i
        if (trim(f[i]) == "open")
            open_column = i
    }
    if (test_column == 0 || on_column == 0 || open_column == 0)
        complain("the columns are ID, behaviour, test, on, open")
    if (fill)
        print line
    next
}
heading == 0 || /^\|[-: |]*\|$/ { if (fill) print line; next }
{
    rows++
    id = trim(f[2])
    if (seen[id]++)
        complain("a second row of this ID")
    if (n_fields < open_column + 1)
        complain("a column is missing")
    letters = ""
    n = split(f[test_column], named, ",")
    n_tests = 0
    for (i = 1; i <= n; i++) {
        test = trim(named[i])
        gsub(/`/, "", test)
        if (test ~ /^(-|–|—)?$/)
            continue
        n_tests++
        if (!(test in known))
            complain("no test is called " test)
        letters = letters databases[test]
    }
    if (n_tests == 0 && trim(f[open_column]) ~ /^(-|–|—)?$/)
        complain("neither a test nor anything open")
    if (trim(f[on_column]) != written(letters))
        complain("its tests run on \"" written(letters) "\"")
    if (fill) {
        # on and open are the last two cells of a row, and hold no bar
        match(line, /\|[^|]*\|[^|]*\|[ \t]*$/)
        print substr(line, 1, RSTART) " " written(letters) (letters == "" ? "|" : " |") f[open_column] "|"
    }
}
END { if (rows == 0) print table ": has no row" }
END

if [ "${1:-}" = --fill ]; then
    awk -F'|' -v fill=1 -v table="$table" -f "$work/check" FS=' ' "$work/tests" FS='|' "$table" >"$work/filled" &&
        cat "$work/filled" >"$table"
    exit
fi
conclude "$(awk -v fill=0 -v table="$table" -f "$work/check" FS=' ' "$work/tests" FS='|' "$table")"
