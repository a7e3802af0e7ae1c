#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# examples/qt_notes.cpp as its users meet it: in a window under Xvfb, by keyboard and mouse, once as it is and once with
# --blocking. After make examples also by hand:
#
#   [top_builddir=BUILD] sh tests/gui/test_qt_notes.sh [PNG]

top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
png=${1:+$(realpath "$1")}
. "$top_srcdir/tests/gui/gui.sh"

first_row_y=50
row_height=18

# By its key: Xvfb has no window manager to ask it.
close_window() {
    xdotool key ctrl+q
}

gui_begin qt_notes qt6-base-dev "$png"
gui_run use_window asynchronous
gui_run use_waiting_window blocking --blocking
gui_end
