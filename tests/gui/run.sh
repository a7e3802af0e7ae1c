#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# examples/gtk_notes.c as its users meet it: in a window under Xvfb, by keyboard and mouse, once as it is and once with
# --blocking. The program prints what each frame shows; that is what is waited for and judged. After make examples:
#
#   [top_builddir=BUILD] sh tests/gui/run.sh [PNG]     PNG: where the screenshot shall stay
#
# ADB_GUI_URL: another database than a file of SQLite; its tables gtk_characters and gtk_notes are used as they are.

png=${1:-}
case $png in
/* | '') ;;
*) png=$PWD/$png ;;
esac
top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
. "$top_srcdir/tests/lib/check.sh"

program=$build/examples/gtk_notes
[ -x "$program" ] || skip "no $program: it needs libgtk-4-dev"
command -v Xvfb >/dev/null || skip "no Xvfb: package xvfb"
command -v xdotool >/dev/null || skip "no xdotool: package xdotool"
command -v import >/dev/null || skip "no import: package imagemagick"
[ -e /usr/share/unicode/UnicodeData.txt ] || skip "no UnicodeData.txt: package unicode-data"
make_work_dir

passed=0
failed=0
server=
pid=
clean_up() {
    exec 7<&-
    [ -z "$pid" ] || kill "$pid"
    [ -z "$server" ] || kill "$server"
    rm -rf "$work"
}
trap clean_up EXIT

# claim WORDS COMMAND…: it holds when the command succeeds; what it has said is shown when not.
claim() {
    words=$1
    shift
    if "$@" >"$work/complaints" 2>&1; then
        passed=$((passed + 1))
        echo "ok $mode: $words"
    else
        failed=$((failed + 1))
        cat "$work/complaints"
        echo "not ok $mode: $words"
    fi
}

# It says its number when it is ready.
start_display() {
    mkfifo "$work/number"
    Xvfb -displayfd 5 -screen 0 640x480x24 5>"$work/number" >"$work/xvfb" 2>&1 &
    server=$!
    read -r number <"$work/number"
    [ -n "$number" ] || skip "Xvfb does not start"
    DISPLAY=:$number GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_THEME=Adwaita GTK_A11Y=none GSETTINGS_BACKEND=memory
    export DISPLAY GDK_BACKEND GSK_RENDERER GTK_THEME GTK_A11Y GSETTINGS_BACKEND
}

# shows PATTERN: reads on until a frame shows that. A program that ends, by itself or by its timeout, shows no more.
shows() {
    while read -r line <&7; do
        # shellcheck disable=SC2254
        case $line in
        $1) return 0 ;;
        esac
    done
    echo "never shown: $1"
    echo "last shown:  $line"
    cat "$work/errors"
    return 1
}

# start_program [--blocking]
start_program() {
    rm -f "$work/shown"
    mkfifo "$work/shown"
    timeout 60 "$program" "$@" "${ADB_GUI_URL:-sqlite:///$work/$mode.db}" >"$work/shown" 2>"$work/errors" &
    pid=$!
    exec 7<"$work/shown"
    claim "35,000 characters are imported" shows 'jobs=0 * rows=200 *first="U+0000 *'
    window=$(xdotool search --onlyvisible --name '^Characters' | head -n 1)
    xdotool windowfocus --sync "$window"
}

# The last line that it prints has the figures of the whole run.
end_program() {
    kill -TERM "$pid" 2>/dev/null # as the session does when one logs out
    while read -r line <&7; do
        last=$line
    done
    wait "$pid"
    ended=$?
    pid=
    exec 7<&-
    claim "the window closes, and the program ends well" test "$ended" -eq 0
    late=$(echo "$last" | sed -n 's/.* late=\([0-9]*\) .*/\1/p')
    echo "# $mode: $late late frames, longest stall $(echo "$last" | sed -n 's/.* longest_ms=\([0-9]*\) .*/\1/p') ms"
}

# What is typed after the letter of a field replaces what stands there.
fill() {
    xdotool key "alt+$1"
    xdotool type --delay 20 "$2"
}

search_and_save() {
    fill e snowman
    claim "what is typed is found" shows 'jobs=0 * search="snowman" rows=3 *first="U+2603 *SNOWMAN" chosen="SNOWMAN"'
    fill n 'winter comes'
    xdotool key alt+s
    claim "a note is saved and shown" shows 'jobs=0 *message="Note saved" first="U+2603 *SNOWMAN: winter comes"*'
}

# find_and_click [JOBS]: how many are under way.
find_and_click() {
    fill e winter
    claim "notes are found, too${1:+, beside the ten seconds}" \
        shows "jobs=${1:-0} * search=\"winter\" rows=2 *first=\"U+2603 *winter comes\"*"
    xdotool mousemove 200 80 click 1
    claim "a row that is clicked is chosen${1:+, beside the ten seconds}" shows '*chosen="MAHJONG TILE WINTER"'
}

delete_note() {
    xdotool mousemove 200 60 click 1
    claim "the first row is chosen again" shows '*chosen="SNOWMAN"'
    xdotool key alt+d
    claim "a note is deleted" shows 'jobs=0 *rows=1 message="Note deleted" first="U+1F029 *'
}

is_a_picture() {
    import -window root "$work/window.png" || return
    colours=$(identify -format %k "$work/window.png")
    [ "$colours" -ge 100 ] || { echo "the screenshot has $colours colours"; return 1; }
    [ -z "$png" ] || cp "$work/window.png" "$png"
}

run_asynchronous() {
    mode=asynchronous
    start_program
    search_and_save
    xdotool key alt+t
    claim "a query of ten seconds is under way" shows 'jobs=1 *message="A query of ten seconds"*'
    find_and_click 1
    claim "the screenshot shows something" is_a_picture
    xdotool key alt+c
    claim "the ten seconds are cancelled" shows 'jobs=0 *message="Cancelled"*'
    delete_note
    end_program
    late_asynchronous=$late
}

run_blocking() {
    mode=blocking
    start_program --blocking
    search_and_save
    xdotool key alt+t
    claim "ten seconds pass" shows 'jobs=0 *message="Ten seconds are over"*'
    find_and_click
    delete_note
    end_program
    late_blocking=$late
}

start_display
run_asynchronous
run_blocking
mode=both
claim "frames come late when the program waits, and not when it does not" \
    test "${late_asynchronous:-999999}" -lt "${late_blocking:-0}"
echo "gui: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
