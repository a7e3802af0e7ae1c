#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Start the servers of a test run: start.sh DIR [postgresql] [mysql]. Without a kind, both.
#
# DIR is made, or is empty; every user must be able to reach it. Afterwards DIR/env exports, for a shell to source:
#
#   ADB_TEST_SERVERS                   DIR, with own.sh in it, for tests that need servers of their own
#   ADB_TEST_POSTGRESQL_URL            over a Unix socket
#   ADB_TEST_POSTGRESQL_TCP_URL        over TCP, with a password
#   ADB_TEST_POSTGRESQL_TLS_URL        with SCRAM and TLS, and everything verified
#   ADB_TEST_POSTGRESQL_ADMIN_URL      as superuser
#   ADB_TEST_PGBOUNCER_URL             through PgBouncer in transaction mode, where it is installed
#   ADB_TEST_MYSQL_URL, …_TCP_URL, …_TLS_URL, …_ADMIN_URL
#   ADB_TEST_SERVER_URLS               a database for each kind, for those who take a list
#   ADB_TEST_EXAMPLE_URLS              the same for the examples
#
# Each names a database of its own, so that tests may run side by side. Users are in postgresql.sh and mysql.sh, all with
# the password s3:cret; DIR/tls is described in tls.sh.
#
# Environment: ADB_TEST_OWNER, the process with which all of it ends, however that ends. stop.sh DIR ends it before.

here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
. "$here/common.sh"
. "$here/tls.sh"
. "$here/postgresql.sh"
. "$here/mysql.sh"
. "$here/pgbouncer.sh"

[ $# -ge 1 ] || fail "usage: start.sh DIR [postgresql] [mysql]"
mkdir -p "$1/ports" "$1/template" "$1/own" || exit 1
run=$(cd "$1" && pwd -P) || exit 1
cd / && shift
kinds=${*:-postgresql mysql}

start_guard() {
    setsid sh "$here/guard.sh" "$run" "$ADB_TEST_OWNER" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
}

# start_shared KIND: the server that all tests share, with a database for each variable.
start_shared() {
    shared=$run/$1
    "$1_template" "$run" "$run/template/$1" && make_server "$shared" "$1" &&
        install_certificate "$run" "$shared" server && clone "$run/template/$1" "$shared" &&
        start_server "$run" "$shared" && make_databases "$1" | "$1_sql" "$shared"
}

make_databases() {
    for database in adb_socket adb_tcp adb_tls adb_bouncer adb_urls adb_examples; do
        case $1 in
        postgresql) echo "CREATE DATABASE $database OWNER adb_test;" ;;
        mysql) echo "CREATE DATABASE $database;" ;;
        esac
    done
}

start_bouncer() {
    have_bouncer || return 0
    make_server "$run/pgbouncer" pgbouncer && echo "$run/postgresql" >"$run/pgbouncer/target" &&
        install_certificate "$run" "$run/pgbouncer" server && start_server "$run" "$run/pgbouncer"
}

have_bouncer() {
    command -v pgbouncer >/dev/null
}

# url KIND DATABASE NAME: one of the URLs of a server.
url() {
    "$1_urls" "$run/$1" "$2" | sed -n "s/^$3=//p"
}

# export_url VARIABLE URL
export_url() {
    printf "export %s='%s'\n" "$1" "$2"
}

write_env() {
    export_url ADB_TEST_SERVERS "$run"
    urls=
    example_urls=
    for kind in $kinds; do
        prefix=ADB_TEST_$(echo "$kind" | tr '[:lower:]' '[:upper:]')
        export_url "${prefix}_URL" "$(url "$kind" adb_socket url)"
        export_url "${prefix}_TCP_URL" "$(url "$kind" adb_tcp tcp_url)"
        export_url "${prefix}_TLS_URL" "$(url "$kind" adb_tls tls_url)"
        export_url "${prefix}_ADMIN_URL" "$(url "$kind" adb_test admin_url)"
        urls="$urls${urls:+ }$(url "$kind" adb_urls tcp_url)"
        example_urls="$example_urls${example_urls:+ }$(url "$kind" adb_examples url)"
    done
    [ ! -d "$run/pgbouncer" ] || export_url ADB_TEST_PGBOUNCER_URL "$(url pgbouncer adb_bouncer url)"
    export_url ADB_TEST_SERVER_URLS "$urls"
    export_url ADB_TEST_EXAMPLE_URLS "$example_urls"
}

start_all() {
    take_ports "$run" && tls_make "$run/tls" && ln -s "$here/own.sh" "$run/own.sh" || return 1
    started=
    for kind in $kinds; do
        start_shared "$kind" &
        started="$started $!"
    done
    for pid in $started; do
        wait "$pid" || return 1
    done
    case " $kinds " in
    *' postgresql '*) start_bouncer ;;
    esac
}

chmod 755 "$run"
rm -f "$run/stopped"
[ -z "${ADB_TEST_OWNER:-}" ] || start_guard
if ! start_all; then
    sh "$here/stop.sh" "$run"
    fail "the servers did not start"
fi
write_env >"$run/env"
