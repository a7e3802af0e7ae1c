#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh clone to a running program: installs what is missing (Debian, as root), builds, runs the first examples.

cd "$(dirname "$0")/.." || exit 1
. tests/lib/setup.sh

need_build
install_needed

build=${ADB_BUILD_DIR:-build}
configure_in "$build" ${ADB_CONFIGURE_FLAGS:-} && make -s -C "$build" -j2 all examples || exit 1
build=$(cd "$build" && pwd)

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
for example in quickstart import; do
    echo "--- $example"
    "$build/examples/$example" || exit 1
done
