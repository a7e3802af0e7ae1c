# SPDX-License-Identifier: BSD-3-Clause
# Sourced after common.sh and tls.sh: MariaDB. --no-defaults comes first everywhere, or /etc/mysql has its say.

# mysql_template RUN DIR: a data folder with the users of the tests, and the database adb_test.
mysql_template() {
    make_server "$2" mysql && install_certificate "$1" "$2" server && quietly "$2" mysql_init "$2" &&
        mysql_start "$1" "$2" && mysql_users | mysql_sql "$2" && halt "$2" TERM
}

mysql_init() {
    mariadb-install-db --no-defaults $(is_root && echo "--user=$(server_user mysql)") --datadir="$1/data" \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
        --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0
}

# The user says how one gets in. root has no password: not over TCP, then.
mysql_users() {
    cat <<'END'
DROP USER root@'127.0.0.1', root@'::1';
INSTALL SONAME 'auth_ed25519';
CREATE DATABASE adb_test;
CREATE USER trust_user;
CREATE USER ed25519_user IDENTIFIED VIA ed25519 USING PASSWORD('s3:cret');
CREATE USER tls_user IDENTIFIED BY 's3:cret' REQUIRE SSL;
CREATE USER cert_user REQUIRE X509;
CREATE USER single_user IDENTIFIED BY 's3:cret' WITH MAX_USER_CONNECTIONS 1;
CREATE USER poor_user IDENTIFIED BY 's3:cret';
CREATE USER adb_test IDENTIFIED BY 's3:cret';
CREATE USER password_user IDENTIFIED BY 's3:cret';
GRANT PROCESS, CONNECTION ADMIN ON *.* TO adb_test;
END
    for user in adb_test password_user trust_user ed25519_user tls_user cert_user single_user; do
        echo "GRANT ALL ON \`adb\\_%\`.* TO $user;"
    done
}

# mysql_start RUN DIR: small buffers, and nothing that has to reach a disk.
mysql_start() {
    mysql_dir=$2
    mysql_port=$(server_port "$1" "$2") || return 1
    rm -f "$2/socket"
    set -- mariadbd --no-defaults --datadir="$2/data" --socket="$2/socket" --pid-file="$2/data/mariadbd.pid" \
        --bind-address=127.0.0.1 --port="$mysql_port" --skip-name-resolve --max-connections=200 \
        --character-set-server=utf8mb4 --ssl-ca="$2/ca.crt" --ssl-cert="$2/server.crt" --ssl-key="$2/server.key" \
        --innodb-buffer-pool-size=64M --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 \
        --innodb-doublewrite=0 --performance-schema=OFF --aria-pagecache-buffer-size=8M --key-buffer-size=8M \
        --log-warnings=1
    while read -r mysql_option; do
        set -- "$@" "--$mysql_option"
    done <"$mysql_dir/options"
    launch "$mysql_dir" "$@" && starts "$mysql_dir" mysql_ready "$mysql_dir"
}

mysql_ready() {
    [ -S "$1/socket" ] && mariadb-admin --no-defaults -S "$1/socket" -u root ping >/dev/null 2>&1
}

# mysql_sql DIR OPTION…: run as the administrator what standard input says.
mysql_sql() {
    mysql_dir=$1
    shift
    mariadb --no-defaults --batch --skip-column-names -S "$mysql_dir/socket" -u root "$@"
}

# mysql_urls DIR DATABASE: in the words of own.sh.
mysql_urls() {
    urls_port=$(cat "$1/port")
    cat <<END
url=mysql://adb_test:s3%3Acret@localhost/$2?unix_socket=$1/socket
tcp_url=mysql://adb_test:s3%3Acret@127.0.0.1:$urls_port/$2
tls_url=mysql://tls_user:s3%3Acret@localhost:$urls_port/$2?ssl=verify-full&ssl_ca=$1/ca.crt
admin_url=mysql://root@localhost/$2?unix_socket=$1/socket
socket=$1/socket
END
}
