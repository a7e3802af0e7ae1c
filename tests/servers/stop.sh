#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Stop what runs in the folder of a test run: stop.sh DIR. The folder stays, with the logs.

here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
. "$here/common.sh"

run=$(cd "${1:?usage: stop.sh DIR}" && pwd -P) || exit 1

# The proxies and poolers first: they have nothing to lose. All at once then, to wait for the slowest only.
stop_all() {
    for server in "$run"/*/kind "$run"/template/*/kind "$run"/own/*/kind; do
        [ -f "$server" ] || continue
        server=${server%/kind}
        is_gone "$server" || stop_server "$server" &
    done
    wait
}

: >"$run/stopped"
stop_all
claim=$(cat "$run/ports/claim" 2>/dev/null) && [ -L "$claim" ] && rm -f "$claim"
exit 0
