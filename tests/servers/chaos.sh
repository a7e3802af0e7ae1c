# SPDX-License-Identifier: BSD-3-Clause
# Sourced after common.sh: the fault proxy of chaos.c, in front of another server of the same run.

# chaos_start RUN DIR
chaos_start() {
    chaos_port=$(server_port "$1" "$2") || return 1
    rm -f "$2/control"
    launch "$2" "$(chaos_program)" "$chaos_port" "$(cat "$(cat "$2/target")/port")" "$2/control" &&
        starts "$2" test -S "$2/control"
}

chaos_program() {
    echo "${ADB_TEST_CHAOS:-${top_builddir:-$here/../../build}/tests/servers/chaos}"
}

# chaos_urls DIR DATABASE: those of the server behind, at the port of the proxy.
chaos_urls() {
    chaos_target=$(cat "$1/target")
    "$(cat "$chaos_target/kind")_urls" "$chaos_target" "$2" |
        sed -n "s/:$(cat "$chaos_target/port")/:$(cat "$1/port")/; /^t.._url=/p; s/^tcp_url=/url=/p"
    echo "socket=$1/control"
}
