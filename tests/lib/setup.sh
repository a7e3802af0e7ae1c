# SPDX-License-Identifier: BSD-3-Clause
# Sourced by tests/run.sh, examples/run.sh and .ci/run, from the top of the tree: what is needed, and a configured build.

missing=

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
    need libsqlite3-dev pkg-config --exists sqlite3
}

# Install what need() found missing, or say what it is.
install_needed() {
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! have apt-get >/dev/null; then
        echo "missing, please install (names as in Debian):$missing" >&2
        exit 1
    fi
    echo "installing:$missing"
    apt-get -qq update &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing >/dev/null || exit 1
    missing=
}

# Whether a program finds all that a static libasyncdb.a needs: sqlite3.pc may name libraries that it does not depend on.
can_link_private() {
    echo 'int main(void) { return 0; }' | ${CC:-cc} -x c - -o /dev/null $(pkg-config --static --libs sqlite3)
}

# What configure would find: a tree that was configured when less was installed is of no use.
found_packages() {
    for found_package in sqlite3 cunit libuv; do
        pkg-config --exists "$found_package" 2>/dev/null && printf ' %s' "$found_package"
    done
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
    top=$(pwd)
    (cd "$configure_dir" && "$top/configure" -q "$@") || return 1
    echo "$configured" >"$configure_dir/.configured"
}
