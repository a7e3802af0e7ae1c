#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A server of a test's own, to be hurt. $ADB_TEST_SERVERS/own.sh is this script, for the run that is under way.
#
#   own.sh start postgresql NAME [OPTION…]      a new server; OPTION is a setting: max_connections=10
#   own.sh start mysql NAME [OPTION…]           the same; OPTION without dashes: max-connections=10, read-only=1
#   own.sh start pgbouncer NAME TARGET [OPTION…]  in front of the server TARGET; default_pool_size=2
#   own.sh start chaos NAME TARGET              the fault proxy of chaos.c in front of TARGET
#   own.sh start NAME [OPTION…]                 again, after kill or stop: same data, port and socket; new options are added
#   own.sh standby PRIMARY NAME [OPTION…]       a hot standby of a PostgreSQL server
#   own.sh promote NAME                         make that standby a primary; done when it writes
#   own.sh kill NAME                            kill -9, all its processes
#   own.sh stop NAME                            an orderly shutdown that waits for no client
#   own.sh freeze NAME, own.sh thaw NAME        all its processes stand still, and go on
#   own.sh certificate NAME WHICH               from the next start on: server, expired, wrong_host, revoked, unknown
#   own.sh tell NAME COMMAND…                   a command for the proxy NAME, see chaos.c: tell NAME stall
#   own.sh sql NAME STATEMENT [DATABASE]        run as administrator; the rows are printed
#   own.sh show NAME                            the same lines that start prints
#   own.sh drop NAME                            stop it and remove its folder
#
# NAME is a name of letters, digits and _, best with that of the test in it, and may be the folder of a server.
# Of TARGET and PRIMARY the same: "$ADB_TEST_SERVERS/postgresql" is the server that all tests share.
#
# start, standby and show return when the server takes connections, and print lines name=value:
#
#   name, kind, dir, port, pid
#   url          over the Unix socket; for pgbouncer and chaos, over TCP
#   tcp_url      over TCP, with a password
#   tls_url      over TLS, everything verified, as tls_user
#   admin_url    over the Unix socket, allowed everything
#   socket       the socket's file; for chaos, that of the control connection
#
# The database is adb_test in all of them. Every call exits with 0, or with a reason on standard error.
# What a test leaves running ends with the run.

here=$(dirname "$(readlink -f "$0")") && run=$(cd "$(dirname "$0")" && pwd -P) || exit 1
. "$here/common.sh"
. "$here/tls.sh"
. "$here/postgresql.sh"
. "$here/mysql.sh"
. "$here/pgbouncer.sh"
. "$here/chaos.sh"

cd / || exit 1
[ -d "$run/ports" ] || fail "to be called by the link that start.sh made"

# dir NAME: the folder of a server.
dir() {
    case $1 in
    /*) echo "$1" ;;
    '' | *[!A-Za-z0-9_]*) fail "not a name: $1" ;;
    *) echo "$run/own/$1" ;;
    esac
}

# existing NAME: the folder of a server that is there.
existing() {
    existing=$(dir "$1") || exit 1
    [ -f "$existing/kind" ] || fail "no server of this name: $1"
    echo "$existing"
}

# add_options DIR OPTION…
add_options() {
    options_dir=$1
    shift
    for option in "$@"; do
        echo "$option" >>"$options_dir/options"
    done
}

show() {
    show_kind=$(cat "$1/kind")
    printf 'name=%s\nkind=%s\ndir=%s\nport=%s\npid=%s\n' "${1##*/}" "$show_kind" "$1" "$(cat "$1/port")" "$(server_pid "$1")"
    "${show_kind}_urls" "$1" adb_test
}

# do_new KIND NAME [TARGET] OPTION…
do_new() {
    kind=$1
    server=$(dir "$2") || exit 1
    shift 2
    [ ! -e "$server/kind" ] || fail "${server##*/} exists"
    make_server "$server" "$kind" || exit 1
    case $kind in
    postgresql | mysql)
        [ -d "$run/template/$kind" ] || fail "this run has no $kind"
        clone "$run/template/$kind" "$server" || exit 1
        ;;
    *)
        target=$(existing "${1:?needs a target}") || exit 1
        echo "$target" >"$server/target"
        shift
        ;;
    esac
    install_certificate "$run" "$server" server && add_options "$server" "$@" && start_server "$run" "$server" &&
        show "$server"
}

# do_again NAME OPTION…
do_again() {
    server=$(existing "$1") || exit 1
    shift
    ! is_running "$server" || fail "${server##*/} is running"
    add_options "$server" "$@" && start_server "$run" "$server" && show "$server"
}

do_standby() {
    primary=$(existing "$1") || exit 1
    server=$(dir "$2") || exit 1
    shift 2
    [ ! -e "$server/kind" ] || fail "${server##*/} exists"
    make_server "$server" postgresql && add_options "$server" "$@" && postgresql_standby "$run" "$primary" "$server" &&
        show "$server"
}

# A signal for all processes of a server.
do_signal() {
    server=$(existing "$2") || exit 1
    kill -s "$1" $(server_processes "$server" | sort -u)
}

# still PID…: every thread of these processes stands (T), or is gone (Z, X, or not there).
still() {
    for pid in "$@"; do
        cat "/proc/$pid/task/"*/stat 2>/dev/null
    done | sed 's/.*) //' | grep -q '^[^TZX]' && return 1
    return 0
}

# A thread stands only when it has seen the signal, some time after kill has returned.
do_freeze() {
    do_signal STOP "$1"
    until still $(server_processes "$(existing "$1")" | sort -u); do
        sleep 0.01
    done
}

do_sql() {
    server=$(existing "$1") || exit 1
    kind=$(cat "$server/kind")
    case $kind in
    postgresql) printf '%s\n' "$2" | postgresql_sql "$server" "${3:-adb_test}" ;;
    mysql) printf '%s\n' "$2" | mysql_sql "$server" "${3:-adb_test}" ;;
    *) fail "no SQL for $kind" ;;
    esac
}

do_tell() {
    server=$(existing "$1") || exit 1
    shift
    "$(chaos_program)" "$server/control" "$@"
}

do_drop() {
    server=$(existing "$1") || exit 1
    is_gone "$server" || stop_server "$server"
    rm -f "$run/ports/$(cat "$server/port" 2>/dev/null)"
    rm -rf "$server"
}

command=${1:-}
[ $# -ge 2 ] || fail "usage: own.sh COMMAND NAME …; see the head of $here/own.sh"
shift
case $command in
start)
    case $1 in
    postgresql | mysql | pgbouncer | chaos) do_new "$@" ;;
    *) do_again "$@" ;;
    esac
    ;;
standby) do_standby "$@" ;;
promote) do_sql "$1" 'SELECT pg_promote(true, 30)' postgres >/dev/null ;;
kill) server=$(existing "$1") && slay "$server" ;;
stop) server=$(existing "$1") && stop_server "$server" ;;
freeze) do_freeze "$1" ;;
thaw) do_signal CONT "$1" ;;
certificate) server=$(existing "$1") && install_certificate "$run" "$server" "$2" ;;
tell) do_tell "$@" ;;
sql) do_sql "$@" ;;
show) server=$(existing "$1") && show "$server" ;;
drop) do_drop "$1" ;;
*) fail "unknown command: $command" ;;
esac
