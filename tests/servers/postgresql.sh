# SPDX-License-Identifier: BSD-3-Clause
# Sourced after common.sh and tls.sh: PostgreSQL.

# Where the server's programs are: Debian keeps them out of the path, one folder for each version.
postgresql_bin() {
    for postgresql_found in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t / -k 5,5rn); do
        [ -x "$postgresql_found/initdb" ] && [ -x "$postgresql_found/postgres" ] && echo "$postgresql_found" && return 0
    done
    postgresql_found=$(command -v initdb) && dirname "$postgresql_found"
}

# postgresql_template RUN DIR: a data folder with the roles of the tests, and the database adb_test.
postgresql_template() {
    make_server "$2" postgresql && install_certificate "$1" "$2" server && quietly "$2" postgresql_init "$2" &&
        postgresql_start "$1" "$2" && postgresql_roles | postgresql_sql "$2" && halt "$2" INT
}

postgresql_init() {
    $(as "$(server_user postgresql)") "$(postgresql_bin)/initdb" -D "$1/data" -U postgres -A trust --no-sync \
        --no-instructions -E UTF8 --locale=C.UTF-8 && postgresql_access >"$1/data/pg_hba.conf" &&
        postgresql_settings >>"$1/data/postgresql.conf"
}

# The role says how one gets in.
postgresql_access() {
    cat <<'END'
local   all         cert_user                    reject
local   all         all                          trust
local   replication all                          trust
host    all         trust_user     127.0.0.1/32  trust
host    all         md5_user       127.0.0.1/32  md5
host    all         password_user  127.0.0.1/32  password
hostssl all         tls_user       127.0.0.1/32  scram-sha-256
hostssl all         cert_user      127.0.0.1/32  cert
host    all         tls_user       127.0.0.1/32  reject
host    all         cert_user      127.0.0.1/32  reject
host    all         reject_user    127.0.0.1/32  reject
host    all         all            127.0.0.1/32  scram-sha-256
END
}

# Nothing here outlives the run, so nothing has to reach a disk.
postgresql_settings() {
    cat <<'END'
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
fsync = off
synchronous_commit = off
max_wal_size = 256MB
ssl = on
ssl_cert_file = '../server.crt'
ssl_key_file = '../server.key'
ssl_ca_file = '../ca.crt'
log_min_messages = warning
END
}

# All but poor_user, who may log in and nothing else, may do what adb_test may.
postgresql_roles() {
    for role in adb_test scram_user password_user tls_user poor_user reject_user; do
        echo "CREATE ROLE $role LOGIN PASSWORD 's3:cret';"
    done
    cat <<'END'
CREATE ROLE trust_user LOGIN;
CREATE ROLE cert_user LOGIN;
CREATE ROLE single_user LOGIN PASSWORD 's3:cret' CONNECTION LIMIT 1;
SET password_encryption = md5;
CREATE ROLE md5_user LOGIN PASSWORD 's3:cret';
ALTER ROLE adb_test CREATEDB;
ALTER ROLE tls_user CREATEDB;
GRANT pg_monitor, pg_signal_backend TO adb_test;
GRANT adb_test TO trust_user, scram_user, md5_user, password_user, tls_user, cert_user, single_user;
CREATE DATABASE adb_test OWNER adb_test;
END
}

# postgresql_start RUN DIR: with line 8 of postmaster.pid it says that it is ready, a standby too.
postgresql_start() {
    postgresql_dir=$2
    postgresql_port=$(server_port "$1" "$2") || return 1
    rm -f "$2/data/postmaster.pid"
    set -- "$(postgresql_bin)/postgres" -D "$2/data" -p "$postgresql_port" -c "unix_socket_directories=$2"
    while read -r postgresql_option; do
        set -- "$@" -c "$postgresql_option"
    done <"$postgresql_dir/options"
    launch "$postgresql_dir" "$@" && starts "$postgresql_dir" postgresql_ready "$postgresql_dir"
}

postgresql_ready() {
    case $(sed -n 8p "$1/data/postmaster.pid" 2>/dev/null) in
    ready*) return 0 ;;
    esac
    return 1
}

# postgresql_sql DIR OPTION…: run as the administrator what standard input says.
postgresql_sql() {
    postgresql_dir=$1
    shift
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$postgresql_dir" \
        -p "$(cat "$postgresql_dir/port")" -U postgres "$@"
}

# postgresql_standby RUN PRIMARY DIR: a copy that follows its primary, and answers reads.
postgresql_standby() {
    rm -rf "$3/data"
    make_server "$3" postgresql && install_certificate "$1" "$3" server &&
        $(as "$(server_user postgresql)") "$(postgresql_bin)/pg_basebackup" -D "$3/data" -R -X stream -c fast \
            --no-sync -d "host=$2 port=$(cat "$2/port") user=postgres application_name=${3##*/}" &&
        postgresql_start "$1" "$3"
}

# postgresql_urls DIR DATABASE: in the words of own.sh.
postgresql_urls() {
    urls_port=$(cat "$1/port")
    urls_tls="sslmode=verify-full&ssl_ca=$1/ca.crt"
    cat <<END
url=postgresql://adb_test@:$urls_port/$2?host=$1
tcp_url=postgresql://adb_test:s3%3Acret@127.0.0.1:$urls_port/$2
tls_url=postgresql://tls_user:s3%3Acret@localhost:$urls_port/$2?$urls_tls
admin_url=postgresql://postgres@:$urls_port/$2?host=$1
socket=$1/.s.PGSQL.$urls_port
END
}
