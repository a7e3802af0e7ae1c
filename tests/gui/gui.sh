# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the tests of windows: a display under Xvfb, keys and clicks by xdotool, and what the program shows. It prints
# a line after each frame that shows something new; these lines are waited for and judged, and no clock is.
#
#   gui_begin PROGRAM PACKAGE [PNG]    skips what cannot be; PNG: where the screenshot of a window stays
#   gui_run FUNCTION MODE OPTION…      in the background, on a display of its own: the program with these options
#   gui_end                            waits for both, and counts
#
# ADB_GUI_URL: another database than files of SQLite; the tables of the program are used as they are, by one after the other.

. "$top_srcdir/tests/lib/check.sh"

# What toolkits keep to the end of a program counts as a leak, and their locks are none to ThreadSanitizer.
case ${ADB_SANITIZE_FLAGS:-} in
*thread*) skip "GTK and Qt are not built with ThreadSanitizer" ;;
*address*) export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" ;;
esac

gui_begin() {
    program=$build/examples/$1
    png=${3:-}
    [ -x "$program" ] || skip "no $program: it needs $2"
    command -v Xvfb >/dev/null || skip "no Xvfb: package xvfb"
    command -v xdotool >/dev/null || skip "no xdotool: package xdotool"
    command -v import >/dev/null || skip "no import: package imagemagick"
    [ -e /usr/share/unicode/UnicodeData.txt ] || skip "no UnicodeData.txt: package unicode-data"
    make_work_dir
    runs=
    trap 'for run in $runs; do kill "$run" 2>/dev/null; done; wait; rm -rf "$work"' EXIT
}

gui_run() {
    (
        function=$1
        mode=$2
        shift 2
        display_pid=
        pid=
        trap clean_up EXIT
        trap 'exit 99' HUP INT TERM
        start_display
        start_program "$@"
        $function
        end_program
    ) >"$work/$2.log" 2>&1 &
    runs="$runs $!"
    [ -z "${ADB_GUI_URL:-}" ] || wait "$!"
}

gui_end() {
    wait $runs
    runs=
    cat "$work"/*.log
    claim "frames come late when the program waits, and not when it does not" \
        test "$(late asynchronous)" -lt "$(late blocking)" | tee "$work/late.log"
    passed=$(cat "$work"/*.log | grep -c '^ok ')
    failed=$(cat "$work"/*.log | grep -c '^not ok ')
    echo "$check: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

clean_up() {
    exec 7<&-
    [ -z "$pid" ] || kill "$pid"
    [ -z "$display_pid" ] || kill "$display_pid"
    wait
}

# claim WORDS COMMAND…: it holds when the command succeeds; what it has said is shown when not.
claim() {
    words=$1
    shift
    if said=$("$@" 2>&1); then
        echo "ok ${mode:+$mode: }$words"
    else
        echo "$said"
        echo "not ok ${mode:+$mode: }$words"
    fi
}

# It says its number when it is ready, and nobody else's is taken.
start_display() {
    mkfifo "$work/$mode.number"
    Xvfb -displayfd 5 -screen 0 640x480x24 -nolisten tcp 5>"$work/$mode.number" >"$work/$mode.xvfb" 2>&1 &
    display_pid=$!
    read -r number <"$work/$mode.number"
    [ -n "$number" ] || cat "$work/$mode.xvfb"
    export DISPLAY=":$number"
    export GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_THEME=Adwaita GTK_A11Y=none GSETTINGS_BACKEND=memory
    export QT_QPA_PLATFORM=xcb QT_QPA_PLATFORMTHEME=generic QT_STYLE_OVERRIDE=Fusion QT_SCALE_FACTOR=1 QT_FONT_DPI=96
}

# shows PATTERN: reads on until a frame shows that. A program that ends, by itself or by its timeout, shows no more.
shows() {
    while read -r line <&7; do
        # shellcheck disable=SC2254
        case $line in
        $1) return 0 ;;
        esac
        last=$line
    done
    echo "never shown: $1"
    echo "last shown:  $last"
    cat "$work/$mode.errors"
    return 1
}

# start_program [OPTION…]
start_program() {
    mkfifo "$work/$mode.shown"
    timeout -k 10 200 "$program" "$@" "${ADB_GUI_URL:-sqlite:///$work/$mode.db}" >"$work/$mode.shown" \
        2>"$work/$mode.errors" &
    pid=$!
    exec 7<"$work/$mode.shown"
    claim "35,000 characters are imported" shows 'jobs=0 * rows=200 *first="U+0000 *'
    window=$(xdotool search --onlyvisible --name '^Characters' | head -n 1)
    xdotool windowfocus --sync "$window"
}

# The last line that it prints has the figures of the whole run.
end_program() {
    close_window
    while read -r line <&7; do
        last=$line
    done
    wait "$pid"
    ended=$?
    pid=
    exec 7<&-
    claim "the window closes, and the program ends well" test "$ended" -eq 0
    late=$(echo "$last" | sed -n 's/.* late=\([0-9]*\) .*/\1/p')
    longest=$(echo "$last" | sed -n 's/.* longest_ms=\([0-9]*\) .*/\1/p')
    echo "# $mode: $late late frames, longest stall $longest ms"
}

# late MODE: its late frames.
late() {
    sed -n 's/^# .*: \([0-9]*\) late frames.*/\1/p' "$work/$1.log" | grep . || echo unknown
}

# What is typed after the letter of a field replaces what stands there.
fill() {
    xdotool key "alt+$1"
    xdotool type --delay 20 "$2"
}

# click_row N: of the list, from 1. first_row_y and row_height are the window's.
click_row() {
    xdotool mousemove 200 $((first_row_y + ($1 - 1) * row_height)) click 1
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
    click_row 2
    claim "a row that is clicked is chosen${1:+, beside the ten seconds}" shows '*chosen="MAHJONG TILE WINTER"'
}

delete_note() {
    click_row 1
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

# All of it, beside a query of ten seconds.
use_window() {
    search_and_save
    xdotool key alt+t
    claim "a query of ten seconds is under way" shows 'jobs=1 *message="A query of ten seconds"*'
    find_and_click 1
    claim "the screenshot shows something" is_a_picture
    xdotool key alt+c
    claim "the ten seconds are cancelled" shows 'jobs=0 *message="Cancelled"*'
    delete_note
}

# The same when the program waits: one thing after the other.
use_waiting_window() {
    search_and_save
    xdotool key alt+t
    claim "ten seconds pass" shows 'jobs=0 *message="Ten seconds are over"*'
    find_and_click
    delete_note
}
