#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Wait for a process to end, then stop the servers of its test run and remove the folder: guard.sh DIR PID.
# What is stopped before that needs no guard.

here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
. "$here/common.sh"

# When the process began: its number alone may come to belong to another.
birth() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

born=$(birth "$2")
while [ -n "$born" ] && is_alive "$2" && [ "$(birth "$2")" = "$born" ]; do
    [ -d "$1" ] && [ ! -e "$1/stopped" ] || exit 0
    sleep 0.5
done
sh "$here/stop.sh" "$1" && rm -rf "$1"
