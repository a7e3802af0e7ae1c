# SPDX-License-Identifier: BSD-3-Clause
# Sourced by tests/run.sh, examples/run.sh and .ci/run, from the top of the tree: what is needed, and a configured build.

. tests/servers/postgresql.sh

tree=$(pwd)
missing=
servers=

# need PACKAGE COMMAND…: the Debian package is missing when the command fails.
need() {
    need_package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $need_package"
}

have() {
    command -v "$1"
}

have_libc() {
    echo '#include <stdio.h>' | ${CC:-cc} -E -
}

need_build() {
    need gcc have "${CC:-cc}"
    need libc6-dev have_libc
    need make have make
    need autoconf have autoconf
    need automake have automake
    need libtool have libtoolize
    need pkg-config have pkg-config
    ! wants sqlite || need libsqlite3-dev pkg-config --exists sqlite3
    ! wants postgresql || need libpq-dev pkg-config --exists libpq
    ! wants mysql || need libmariadb-dev have_mysql_client
}

# wants DRIVER: unless the flags of configure say no.
wants() {
    case " ${ADB_CONFIGURE_FLAGS:-} " in
    *" --with-$1=no "* | *" --without-$1 "*) return 1 ;;
    esac
}

have_mysql_client() {
    pkg-config --exists libmariadb || pkg-config --exists mysqlclient
}

need_web() {
    need libevent-dev pkg-config --exists libevent
    need libjansson-dev pkg-config --exists jansson
    need curl have curl
}

# The windows among the examples, and what their tests drive them with.
need_gui() {
    need libgtk-4-dev pkg-config --exists gtk4
    need qt6-base-dev pkg-config --exists Qt6Widgets
    need xvfb have Xvfb
    need xdotool have xdotool
    need imagemagick have import
    need unicode-data test -e /usr/share/unicode/UnicodeData.txt
}

need_servers() {
    need openssl have openssl
    if wants postgresql; then
        need postgresql postgresql_bin
        need pgbouncer have pgbouncer
    fi
    if wants mysql; then
        need mariadb-server have mariadbd
    fi
}

# The event loops that the adapters are tested in.
need_loops() {
    need libglib2.0-dev pkg-config --exists gio-2.0
    need libuv1-dev pkg-config --exists libuv
    need libevent-dev pkg-config --exists libevent_core
    need libev-dev have_header ev.h
    need libsystemd-dev pkg-config --exists libsystemd
    need qt6-base-dev pkg-config --exists Qt6Core
    need liburing-dev pkg-config --exists liburing
}

have_header() {
    echo "#include <$1>" | ${CC:-cc} -E -
}

# Install what need() found missing, or say what it is.
install_needed() {
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! have apt-get >/dev/null; then
        echo "missing, please install (names as in Debian):$missing" >&2
        exit 1
    fi
    echo "installing:$missing"
    forbid_services
    apt-get -qq -o DPkg::Lock::Timeout=300 update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends \
            $missing >/dev/null
    installed=$?
    allow_services
    [ "$installed" -eq 0 ] || exit 1
    missing=
}

# A server that is installed must not start by itself: what is to run, and where, is up to the tests.
forbid_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        policy=
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    trap allow_services EXIT
    trap 'exit 1' HUP INT TERM
}

allow_services() {
    [ -z "$policy" ] || rm -f "$policy"
    policy=
}

# Whether a program finds all that a static libasyncdb.a needs: sqlite3.pc may name libraries that it does not depend on.
can_link_private() {
    echo 'int main(void) { return 0; }' | ${CC:-cc} -x c - -o /dev/null $(pkg-config --static --libs sqlite3)
}

# What configure would find: a tree that was configured when less was installed is of no use.
found_packages() {
    for found_package in sqlite3 libpq libmariadb mysqlclient cunit gio-2.0 libuv libevent libevent_core jansson libsystemd Qt6Core liburing \
        gtk4 Qt6Widgets; do
        pkg-config --exists "$found_package" 2>/dev/null && printf ' %s' "$found_package"
    done
    ! have doxygen >/dev/null || printf ' doxygen'
}

# configure_in DIR FLAGS…: make configure, and a build tree configured with exactly these flags and $CC, for what is here.
configure_in() {
    configure_dir=$1
    shift
    [ -x configure ] || autoreconf -fi || return 1
    configured="${CC:-} $* with$(found_packages)"
    if [ "$(cat "$configure_dir/.configured" 2>/dev/null)" != "$configured" ]; then
        rm -rf "$configure_dir"
    fi
    [ -f "$configure_dir/Makefile" ] && return 0
    mkdir -p "$configure_dir" || return 1
    (cd "$configure_dir" && "$tree/configure" -q "$@") || return 1
    echo "$configured" >"$configure_dir/.configured"
}

# start_servers BUILD: those of the drivers that were built; their variables are exported. They end with this script,
# however that ends.
start_servers() {
    kinds=
    for kind in postgresql mysql; do
        grep -q "define ADB_HAVE_$(echo "$kind" | tr '[:lower:]' '[:upper:]') 1" "$1/lib/config.h" && kinds="$kinds $kind"
    done
    [ -n "$kinds" ] || return 0
    servers=$(mktemp -d "$(roomy_folder)/asyncdb.XXXXXX") || return 1
    trap stop_servers EXIT
    trap 'exit 1' HUP INT TERM
    ADB_TEST_OWNER=$$ sh tests/servers/start.sh "$servers" $kinds && . "$servers/env"
}

stop_servers() {
    [ -n "$servers" ] || return 0
    sh "$tree/tests/servers/stop.sh" "$servers"
    rm -rf "$servers"
    servers=
}

# Memory, if there are two gigabytes of it: there, nothing waits for a disk.
roomy_folder() {
    if [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')" -gt 2000000 ]; then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}
