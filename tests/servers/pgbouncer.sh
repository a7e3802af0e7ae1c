# SPDX-License-Identifier: BSD-3-Clause
# Sourced after postgresql.sh: PgBouncer in transaction mode, in front of a PostgreSQL server of the same run.

# pgbouncer_settings DIR PORT TARGET: TARGET is the folder of the server behind.
pgbouncer_settings() {
    echo '"adb_test" "s3:cret"' >"$1/users"
    cat >"$1/pgbouncer.ini" <<END
[databases]
* = host=$3 port=$(cat "$3/port")
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $2
unix_socket_dir = $1
auth_type = scram-sha-256
auth_file = $1/users
admin_users = adb_test
pool_mode = transaction
default_pool_size = 10
max_client_conn = 200
server_login_retry = 1
query_wait_timeout = 20
client_tls_sslmode = allow
client_tls_key_file = $1/server.key
client_tls_cert_file = $1/server.crt
END
    cat "$1/options" >>"$1/pgbouncer.ini"
}

# pgbouncer_start RUN DIR
pgbouncer_start() {
    pgbouncer_port=$(server_port "$1" "$2") && pgbouncer_settings "$2" "$pgbouncer_port" "$(cat "$2/target")" || return 1
    rm -f "$2"/.s.PGSQL.*
    launch "$2" pgbouncer "$2/pgbouncer.ini" && starts "$2" pgbouncer_ready "$2"
}

# It opens its sockets when all else is done.
pgbouncer_ready() {
    ! port_is_free "$(cat "$1/port")" && [ -S "$1/.s.PGSQL.$(cat "$1/port")" ]
}

# pgbouncer_urls DIR DATABASE: in the words of own.sh.
pgbouncer_urls() {
    urls_port=$(cat "$1/port")
    cat <<END
url=postgresql://adb_test:s3%3Acret@127.0.0.1:$urls_port/$2?statement_cache=0
tcp_url=postgresql://adb_test:s3%3Acret@127.0.0.1:$urls_port/$2?statement_cache=0
admin_url=postgresql://adb_test:s3%3Acret@127.0.0.1:$urls_port/pgbouncer?statement_cache=0
socket=$1/.s.PGSQL.$urls_port
END
}
