#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh clone to running programs: installs what is missing (Debian, as root), builds, runs the examples.
#
#   sh examples/run.sh          on SQLite, in a temporary folder, and on PostgreSQL and MariaDB servers of its own
#   sh examples/run.sh URL…     on the databases of these URLs; the tables of the examples are made anew there
#
# Environment: ADB_BUILD_DIR (build), ADB_CONFIGURE_FLAGS, CC. A driver that the flags exclude needs no server.

cd "$(dirname "$0")/.." || exit 1
. tests/lib/setup.sh

say() {
    printf '\n=== %s\n' "$1"
}

give_up() {
    tail -n 40 "$work/log"
    echo "$1" >&2
    exit 1
}

say "1. What asyncdb needs: a C compiler, autotools, the databases; and what examples need: the Unicode table, a web server"
need_build
need_web
[ $# -gt 0 ] || need_servers
need unicode-data test -e /usr/share/unicode/UnicodeData.txt
if [ -z "$missing" ]; then
    echo "everything is there"
fi
install_needed

work=$(mktemp -d) || exit 1
service=
clean_up() {
    [ -z "$service" ] || kill "$service"
    stop_servers
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

build=${ADB_BUILD_DIR:-build}
say "2. Build the library and the examples in $build"
began=$(date +%s)
{ configure_in "$build" ${ADB_CONFIGURE_FLAGS:-} && make -s -C "$build" -j2 all examples; } >"$work/log" 2>&1 ||
    give_up "the build failed"
echo "done in $(($(date +%s) - began)) s"

if [ $# -eq 0 ]; then
    say "3. Databases"
    start_servers "$build" 2>"$work/log" || give_up "the servers did not start"
    trap clean_up EXIT
    ! wants sqlite || set -- sqlite:///examples.db
    set -- "$@" ${ADB_TEST_POSTGRESQL_URL:+"$ADB_TEST_POSTGRESQL_URL"} ${ADB_TEST_MYSQL_URL:+"$ADB_TEST_MYSQL_URL"}
    echo "servers started for this run:${kinds:- none}"
fi

sources=$(cd examples && ls ./*.c)
build=$(cd "$build" && pwd) && cd "$work" || exit 1

# run_example NAME URL
run_example() {
    "$build/examples/$1" "$2" </dev/null >"$work/log" 2>&1
    case $? in
    0) ;;
    77) return 77 ;; # not with this database
    *) give_up "examples/$1 failed" ;;
    esac
}

# without_password URL
without_password() {
    printf '%s\n' "$1" | sed 's,//[^@/]*@,//,'
}

say "4. The tour: examples/quickstart.c on each database"
for url in "$@"; do
    run_example quickstart "$url"
    if [ ! -e tour ]; then
        without_password "$url"
        sed 's/^/    /' log
        cp log tour
    elif cmp -s log tour; then
        echo "$(without_password "$url"): the same"
    else
        diff tour log
        give_up "$(without_password "$url"): not the same"
    fi
done

say "5. Import 35,000 rows twice, with questions in between: examples/import.c on each"
for url in "$@"; do
    run_example import "$url"
    echo "$(without_password "$url"): $(tail -n 1 log)"
done

say "6. The other examples on each"
for url in "$@"; do
    ran=
    for source in $sources; do
        example=$(basename "$source" .c)
        case $example in
        quickstart | import | notes_server | gtk_notes) continue ;;
        esac
        [ -x "$build/examples/$example" ] || continue # is not built here: a library is missing
        run_example "$example" "$url" && ran="$ran $example"
    done
    echo "$(without_password "$url"):$ran"
done

# ask METHOD PATH [BODY]
ask() {
    answer=$(curl -sS -X "$1" ${3:+-d "$3"} "http://127.0.0.1:$port$2") || give_up "the service does not answer"
    printf '    %s %s %s\n        %s\n' "$1" "$2" "${3:-}" "$answer"
}

# use_service URL: from its start to its end.
use_service() {
    mkfifo said
    "$build/examples/notes_server" -p 0 "$1" >said 2>log &
    service=$!
    exec 3<said
    read -r line <&3 || give_up "examples/notes_server did not start"
    port=${line##* }
    ask POST /notes '{"list":"today","title":"buy milk"}'
    id=$(echo "$answer" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
    ask POST /move '{"from":"today","to":"done","notes":['"$id"']}'
    ask GET '/notes?list=done'
    ask DELETE "/notes/$id"
    kill -TERM "$service"
    wait "$service" || give_up "examples/notes_server failed"
    service=
    exec 3<&-
    rm said
}

if [ -x "$build/examples/notes_server" ]; then
    say "7. A web service: examples/notes_server.c on each"
    for url in "$@"; do
        without_password "$url"
        use_service "$url"
    done
fi

say "All went well"
cat <<END
The programs are in $build/examples. Each takes the URL of a database:
    $build/examples/quickstart sqlite:///quickstart.db
examples/README.md says in which order to read them, README.md how to build a program of your own.
END
