# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the checks that compile adapters: what each wants of its loop. A header is named as a program includes it.

# What pkg-config calls the loop.
adapter_module() {
    case $1 in
    asyncdb/adapters/event.h) echo libevent_core ;;
    asyncdb/adapters/glib.h) echo gio-2.0 ;;
    asyncdb/adapters/qt.h) echo Qt6Core ;;
    asyncdb/adapters/sd_event.h) echo libsystemd ;;
    asyncdb/adapters/uv.h) echo libuv ;;
    esac
}

# Of libev there is nothing but the header.
has_loop() {
    case $1 in
    asyncdb/adapters/ev.h) echo '#include <ev.h>' | ${CC:-cc} -E - >/dev/null 2>&1 ;;
    asyncdb/adapters/*) pkg-config --exists "$(adapter_module "$1")" ;;
    esac
}

adapter_flags() {
    loop_module=$(adapter_module "$1")
    [ -z "$loop_module" ] || pkg-config --cflags "$loop_module"
    case $1 in
    asyncdb/adapters/qt.h) echo -fPIC ;;
    asyncdb/adapters/uv.h) echo -D_GNU_SOURCE ;;
    esac
}

# Is it for C++ alone?
is_cxx_adapter() {
    [ "$1" = asyncdb/adapters/qt.h ]
}
