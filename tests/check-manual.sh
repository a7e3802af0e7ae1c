#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The manual is whole: each public function has a man page with all its sections, nothing is without a comment, the
# pages are good roff whose references lead somewhere, and asyncdb(7) speaks of all of it.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

grep -q '^S\["ADB_MANUAL_TRUE"\]=""' "$build/config.status" 2>/dev/null ||
    skip "no man pages: configure has not found Doxygen and Python 3"
make_work_dir

man3=$work/man/man3

check_install() {
    make -s -C "$build" install-man-pages man3dir=/man/man3 man7dir=/man/man7 DESTDIR="$work" >"$work/log" 2>&1 ||
        cat "$work/log"
    ! grep warning "$work/log"
}

public_functions() {
    awk -f tests/lib/public-names.awk $(find include -name '*.h') | grep -v '^adb_queue_direct$'
    sed -n 's/^static inline .*[ *]\(adb_[a-z][a-z_]*\)(.*/\1/p' include/asyncdb/adapters/*.h
}

public_macros() {
    cat $(find include -name '*.h' ! -path '*/adapters/*' ! -name export.h) |
        sed -n 's/^#define \(ADB_[A-Z][A-Z_]*\)[ (].*/\1/p' | sort -u
}

# Types stand at the end of a typedef, or right behind it.
public_types() {
    cat include/asyncdb/*.h | sed -nE 's/^typedef .*\(\*(adb_[a-z_]+)\).*/\1/p; s/^} (adb_[a-z_]+);/\1/p;
        s/^typedef [a-z0-9_ ]+ (adb_[a-z_]+);/\1/p' | sort -u
}

check_pages() {
    for function in $(public_functions); do
        page=$man3/$function.3
        [ -e "$page" ] || { echo "$function: has no page"; continue; }
        for section in NAME SYNOPSIS DESCRIPTION "RETURN VALUE" ERRORS OWNERSHIP BLOCKING THREADS HISTORY \
            "SEE ALSO"; do
            grep -qx "\.SH $section" "$page" || echo "$function: its page has no section $section"
        done
        # Names of parameters are in italics, and each of them is explained under its own.
        sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' "$page" | grep -o 'fI[a-z_]*' | cut -c3- | while read -r name; do
            sed -n '/^\.SH PARAMETERS/,/^\.SH RETURN/p' "$page" | grep -qx "\\\\fI$name\\\\fP" ||
                echo "$function: its page does not explain $name"
        done
    done
    for name in $(public_types); do
        [ -e "$man3/$name.3" ] || echo "$name: has no page"
    done
    for name in $(public_macros); do
        [ -e "$man3/$name.3" ] || grep -q "^$name[ ,]\|, $name[ ,]" "$man3/$(echo "$name" | tr A-Z a-z).3" 2>/dev/null ||
            echo "$name: is on no page"
    done
}

# Doxygen says what has no comment, or one that does not fit.
check_comments() {
    command -v doxygen >/dev/null || return 0
    rm -f "$build/docs/manual/html.stamp"
    make -s -C "$build" html >"$work/log" 2>&1 || echo "make html fails"
    grep -E 'warning|error' "$work/log"
    [ -e "$build/docs/manual/html/index.html" ] || echo "make html makes no index.html"
}

check_roff() {
    cd "$work/man" || return
    ! command -v groff >/dev/null || groff -man -ww -Tutf8 -z man3/*.3 man7/*.7 2>&1
    ! command -v mandoc >/dev/null || mandoc -Tlint -Wwarning $(grep -L '^\.so ' man3/*.3 man7/*.7)
}

check_references() {
    grep -hoE '\\fBadb_[a-z0-9_]+\\fP\(3\)|\\fBADB_[A-Z_]+\\fP\(3\)' "$man3"/*.3 "$work"/man/man7/*.7 | sort -u |
        sed 's/^\\fB//; s/\\fP.*//' | while read -r name; do
        [ -e "$man3/$name.3" ] || echo "$name(3): there is no such page"
    done
    sed -n 's/^\.so //p' "$man3"/*.3 | while read -r page; do
        [ -e "$work/man/$page" ] || echo "$page: there is no such page"
    done
}

overview_section() {
    sed -n "/^\.SH $1\$/,/^\.SH /p" "$work/man/man7/asyncdb.7"
}

check_overview() {
    for section in SYNOPSIS "THE LIFE OF A JOB" URLS ERRORS THREADS LOOPS EXAMPLE FUNCTIONS "SEE ALSO"; do
        [ -n "$(overview_section "$section")" ] || echo "asyncdb(7): has no section $section"
    done
    overview_section FUNCTIONS | sed -n 's/^\\fB\(adb_[a-z0-9_]*\)\\fP(3)$/\1/p' | sort >"$work/listed"
    public_functions | sort | comm -3 - "$work/listed" | sed 's/^\t*/asyncdb(7): either lacks or invents /'
    overview_section EXAMPLE | sed -n '/^\.nf/,/^\.fi/p' |
        sed '/^\.[nf]/d; s/^\\&//; s/\\-/-/g; s/\\(aq/'"'"'/g; s/\\e/\\/g' |
        ${CC:-cc} -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c - 2>&1
}

# What C writes with a macro, other languages write without.
check_other_languages() {
    overview_section "OTHER LANGUAGES" | tr -s ', ()\\' '\n' | sed 's/^fB//' >"$work/words"
    for name in $(public_macros); do
        grep -qx "$name" "$work/words" || echo "asyncdb(7): does not say what stands behind $name"
    done
}

claim "the pages are made and installed" "$(check_install)"
claim "each function, type and macro has its page, each function all its sections" "$(check_pages)"
claim "nothing public is without a comment" "$(check_comments)"
claim "the pages are good roff" "$(check_roff)"
claim "references lead to pages" "$(check_references)"
claim "asyncdb(7) lists all functions, and its example compiles" "$(check_overview)"
claim "asyncdb(7) says what stands behind each macro" "$(check_other_languages)"
conclude_claims
