#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# examples/gtk_notes.c as its users meet it: in a window under Xvfb, by keyboard and mouse, once as it is and once with
# --blocking. After make examples also by hand:
#
#   [top_builddir=BUILD] sh tests/gui/test_gtk_notes.sh [PNG]

top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
png=${1:+$(realpath "$1")}
. "$top_srcdir/tests/gui/gui.sh"

first_row_y=60
row_height=20

# As the session does it when one logs out.
close_window() {
    kill -TERM "$pid"
}

gui_begin gtk_notes libgtk-4-dev "$png"
gui_run use_window asynchronous
gui_run use_waiting_window blocking --blocking
gui_end
