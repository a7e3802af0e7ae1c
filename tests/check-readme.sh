#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# README.md is true: its program is examples/minimal.c, the files it names exist, its options are those of the library, and
# its other pieces of C compile.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"
make_work_dir

readme=README.md
cc=${CC:-cc}

# The n-th block of C, from 1.
block() {
    awk -v wanted="$1" '/^```/ { inside = 0 } inside && n == wanted { print } /^```c$/ { inside = 1; n++ }' "$readme"
}

check_program() {
    block 1 | diff - examples/minimal.c >/dev/null || echo "$readme: its program is not examples/minimal.c"
    [ "$(wc -l <examples/minimal.c)" -le 30 ] || echo "examples/minimal.c has more than 30 lines"
}

# Links, and the scripts of its commands.
check_files() {
    { grep -o '](\([^)]*\))' "$readme" | sed 's/^](//; s/)$//'; grep -oE '^sh [a-z./]+' "$readme" | sed 's/^sh //'; } |
        grep -v '://' | sort -u | while read -r file; do
        [ -e "$file" ] || echo "$readme: $file does not exist"
    done
}

# Keys stand in the first column of the tables of options.
readme_options() {
    awk '/^## / { inside = 0 } /^## URLs/ { inside = 1 } inside && /^\| `/ { print $0 }' "$readme" |
        cut -d'|' -f2 | tr ',' '\n' | tr -d ' `' | sort -u
}

library_options() {
    {
        sed -n '/option_keys\[\] = {/,/^};/s/^    {"\([a-z_]*\)".*/\1/p' lib/core/options.c
        sed -n '/other_keys\[\] = {/p' lib/core/options.c | grep -o '"[a-z_]*"'
        for driver in mysql postgresql sqlite; do
            sed -n '/_keys\[.*= {/,/^};/p' "lib/drivers/$driver/${driver}_settings.c" | grep -o '"[a-z_]*"'
        done
        sed -n '/define ADB__TLS_KEYS/,/[^\\]$/p' lib/drivers/tls.h | grep -o '"[a-z_]*"'
        sed -n 's/^#define SERVER_PREFIX \("[a-z]*\.\)"/\1NAME/p' lib/drivers/postgresql/postgresql_settings.c
    } | tr -d '"' | sort -u
}

check_options() {
    readme_options >"$work/readme"
    library_options >"$work/library"
    [ "$(wc -l <"$work/library")" -gt 20 ] || echo "the options of the library could not be found"
    comm -23 "$work/readme" "$work/library" | sed "s/^/$readme: the library has no option /"
    comm -13 "$work/readme" "$work/library" | sed "s/^/$readme: says nothing of the option /"
}

# Each block but the first is some lines of a function.
check_snippets() {
    n_blocks=$(grep -c '^```c$' "$readme")
    for n in $(seq 2 "$n_blocks"); do
        {
            echo '#include <asyncdb.h>'
            echo '#include <stdio.h>'
            echo 'void snippet(adb_database *db, adb_context *ctx, adb_work_fn work, adb_batch_cb on_batch, adb_done_cb on_done, adb_database *other_db,'
            echo '    adb_notification_cb on_notification, adb_copy_in_cb produce, adb_copy_out_cb consume);'
            echo 'void snippet(adb_database *db, adb_context *ctx, adb_work_fn work, adb_batch_cb on_batch, adb_done_cb on_done, adb_database *other_db,'
            echo '    adb_notification_cb on_notification, adb_copy_in_cb produce, adb_copy_out_cb consume)'
            echo '{ (void)db; (void)ctx; (void)work; (void)on_batch; (void)on_done; (void)other_db;'
            echo '(void)on_notification; (void)produce; (void)consume;'
            block "$n"
            echo '}'
        } >"$work/snippet.c"
        $cc -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$work/snippet.c" >"$work/errors" 2>&1 ||
            { echo "$readme: its piece of C number $n does not compile"; cat "$work/errors"; }
    done
}

claim "the program is examples/minimal.c, of thirty lines at most" "$(check_program)"
claim "every file that it names exists" "$(check_files)"
claim "its options are those of the library" "$(check_options)"
claim "its pieces of C compile" "$(check_snippets)"
conclude_claims
