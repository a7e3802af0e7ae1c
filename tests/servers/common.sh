# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the scripts of this folder: runs, server folders, processes and ports.
#
# A run is a folder: tls/ with certificates, template/ with a fresh data folder of each kind, ports/ with a file for each
# port that is taken, and its servers. A server is a folder, too, and all that is known of it is in there:
#
#   kind, port    what it is, and where it listens on 127.0.0.1
#   options       what its command line has beside the usual, one a line
#   pid, log      its process, and what that had to say
#
# Paths are absolute throughout: scripts and servers work in /, where every user can be.

# The ports of this machine that no outgoing connection is ever given.
first_port=10240
last_port=32700
run_ports=100

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

now() {
    date +%s
}

# await SECONDS COMMAND…: until the command succeeds.
await() {
    await_end=$(($(now) + $1))
    shift
    until "$@"; do
        [ "$(now)" -lt "$await_end" ] || return 1
        sleep 0.02
    done
}

# quietly DIR COMMAND…: what it says is for the log of a server, and for us when it fails.
quietly() {
    quiet_log=$1/log
    shift
    "$@" >>"$quiet_log" 2>&1 && return 0
    tail -n 20 "$quiet_log" >&2
    return 1
}

# Users --------------------------------------------------------------------------

is_root() {
    [ "$(id -u)" -eq 0 ]
}

# server_user KIND: whom its process belongs to. Database servers refuse root; who is not root has only himself.
server_user() {
    case $(is_root && echo "$1") in
    '') id -un ;;
    chaos) echo root ;;
    mysql) id -un mysql 2>/dev/null || echo nobody ;;
    *) id -un postgres 2>/dev/null || echo nobody ;;
    esac
}

# as USER: the words that put a command under that user, in the very process that runs them.
as() {
    is_root && [ "$1" != root ] && printf 'setpriv --reuid=%s --regid=%s --init-groups ' "$1" "$(id -gn "$1")"
    echo 'env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE -u PGSERVICE -u MYSQL_TCP_PORT -u MYSQL_UNIX_PORT HOME=/'
}

# own USER PATH…: give away what root made.
own() {
    own_user=$1
    shift
    ! is_root || chown "$own_user:$(id -gn "$own_user")" "$@"
}

# Processes ----------------------------------------------------------------------

# A zombie is dead, whatever kill -0 says.
is_alive() {
    case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in
    '' | Z* | X*) return 1 ;;
    esac
}

# The recorded process of a server, unless its number has gone to another: every server has its folder on its command line.
server_pid() {
    server_pid=$(cat "$1/pid" 2>/dev/null) && [ -n "$server_pid" ] && is_alive "$server_pid" &&
        tr '\0' '\n' <"/proc/$server_pid/cmdline" 2>/dev/null | grep -qF "$1/" && echo "$server_pid"
}

# All processes of a server: the recorded one, and those that work in its data folder.
server_processes() {
    server_pid "$1"
    find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1/data" 2>/dev/null | cut -d / -f 3
}

is_running() {
    [ -n "$(server_pid "$1")" ]
}

is_gone() {
    [ -z "$(server_processes "$1")" ]
}

# launch DIR COMMAND…: in the background, as the server's user, with none of our files open. As the shell becomes the
# server, the number of the one is that of the other.
launch() {
    launch_dir=$1
    launch_as=$(as "$(server_user "$(cat "$launch_dir/kind")")")
    shift
    exec $launch_as "$@" </dev/null >>"$launch_dir/log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    echo $! >"$launch_dir/pid"
}

# starts DIR READY…: whether a launched server gets ready; when not, why not. Its command line tells nothing yet.
starts() {
    starts_dir=$1
    starts_pid=$(cat "$1/pid")
    shift
    await 60 ready_or_dead "$@"
    is_alive "$starts_pid" && "$@" && return 0
    tail -n 20 "$starts_dir/log" >&2
    return 1
}

ready_or_dead() {
    "$@" || ! is_alive "$starts_pid"
}

# halt DIR SIGNAL: end a server in its own way, or, when that takes too long, in ours.
halt() {
    kill -s CONT $(server_processes "$1") 2>/dev/null
    halt_pid=$(server_pid "$1") && kill -s "$2" "$halt_pid" && await 20 is_gone "$1" || slay "$1"
}

# slay DIR: kill -9 all of it at one blow, and take away what it would mistake for a sign of life.
slay() {
    slay_end=$(($(now) + 20))
    until is_gone "$1"; do
        [ "$(now)" -lt "$slay_end" ] || fail "$1: does not die"
        kill -s KILL $(server_processes "$1") 2>/dev/null
        sleep 0.02
    done
    rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.* "$1"/socket* "$1/control"
}

# Ports --------------------------------------------------------------------------

# Whether nobody on this machine has a socket there.
port_is_free() {
    ! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qi ":$(printf %04X "$1") "
}

# take_ports RUN: a block of ports for a run. It belongs to whoever made its link first; links to runs that are gone, with
# their folders, do not count.
take_ports() {
    take_tries=400
    take_block=$(($(now) + $$))
    while [ $((take_tries -= 1)) -gt 0 ]; do
        take_block=$((take_block + 1))
        take_port=$((first_port + take_block % ((last_port - first_port) / run_ports) * run_ports))
        if port_is_free "$take_port" && claim_ports "$take_port" "$1"; then
            echo "$take_port" >"$1/ports/first"
            return 0
        fi
    done
    fail "no free ports"
}

# The claim is a link, made or not made in one step, that points to its run.
claim_ports() {
    claim=${TMPDIR:-/tmp}/asyncdb-ports-$1
    [ ! -L "$claim" ] || [ -d "$claim" ] || rm -f "$claim"
    ln -s -n "$2" "$claim" 2>/dev/null && echo "$claim" >"$2/ports/claim"
}

# take_port RUN: the next port of its block that nobody has.
take_port() {
    take_port=$(cat "$1/ports/first")
    take_end=$((take_port + run_ports))
    while [ "$take_port" -lt "$take_end" ]; do
        if port_is_free "$take_port" && (set -C && : >"$1/ports/$take_port") 2>/dev/null; then
            echo "$take_port"
            return 0
        fi
        take_port=$((take_port + 1))
    done
    fail "no free port"
}

# server_port RUN DIR: the one it has, or a new one.
server_port() {
    [ -s "$2/port" ] || take_port "$1" >"$2/port" || return 1
    cat "$2/port"
}

# Folders ------------------------------------------------------------------------

# make_server DIR KIND: its folder, empty but for what it is.
make_server() {
    mkdir -p "$1" && chmod 755 "$1" && echo "$2" >"$1/kind" && : >"$1/log" && touch "$1/options" &&
        own "$(server_user "$2")" "$1" "$1/log"
}

# clone TEMPLATE DIR: its data, with a fraction of the work of making it.
clone() {
    rm -rf "$2/data" && cp -a "$1/data" "$2/data"
}

# install_certificate RUN DIR NAME: what the server shows to its clients.
install_certificate() {
    install_user=$(server_user "$(cat "$2/kind")")
    for install_file in ca.crt ca.crl; do
        cp "$1/tls/$install_file" "$2/$install_file" || return 1
    done
    cp "$1/tls/$3.crt" "$2/server.crt" && cp "$1/tls/$3.key" "$2/server.key" &&
        chmod 600 "$2/server.key" && own "$install_user" "$2/server.key"
}

# start_server RUN DIR: of whatever kind it is. A port that somebody else was quicker to take is given up for another one,
# unless clients may know it already.
start_server() {
    start_kind=$(cat "$2/kind") || return 1
    [ ! -s "$2/port" ] || {
        "${start_kind}_start" "$1" "$2"
        return
    }
    for start_try in 1 2 3; do
        "${start_kind}_start" "$1" "$2" && return 0
        rm -f "$2/port"
    done
    return 1
}

# stop_server DIR: in an orderly way that waits for no client.
stop_server() {
    case $(cat "$1/kind") in
    postgresql) halt "$1" INT ;;
    *) halt "$1" TERM ;;
    esac
}
