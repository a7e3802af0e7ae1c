#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Checks all models, and that each finds the mistakes which can be built into it. `run.sh long` takes larger settings too,
# `run.sh NAME...` only the models of these names. The last line is "models: N passed, N failed". Exit 77: no spin.
set -u

models=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM
passed=0
failed=0
long=no
wanted=

for argument; do
    case $argument in
    long) long=yes ;;
    *) wanted="$wanted $argument" ;;
    esac
done

# A build that watches itself changes nothing about them.
[ -z "${ADB_SANITIZE_FLAGS:-}" ] || {
    echo "models: skipped, as sanitizers watch what is built"
    exit 77
}
command -v spin >/dev/null 2>&1 || {
    echo "models: skipped, there is no spin"
    exit 77
}

# build MODEL DEFINES CFLAGS: the verifier, as $work/pan
build()
{
    (cd "$work" && rm -f pan* && spin $2 -a "$models/$1.pml" && ${CC:-cc} $3 -w -DSAFETY -o pan pan.c) \
        >"$work/build.log" 2>&1
}

# report VERDICT MODEL DEFINES REMARK
report()
{
    if [ "$1" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        cat "$work/build.log" "$work/pan.log"
    fi
    printf '%-7s %-8s %-46s %s\n' "$1" "$2" "$3" "$4"
}

# search MODEL DEFINES CFLAGS: explores it; fails unless the search ended by itself, complete or at an error
search()
{
    : >"$work/pan.log"
    build "$1" "$2" "$3" || return 1
    (cd "$work" && ./pan -m1000000) >"$work/pan.log" 2>&1 || return 1
    ! grep -qE 'out of memory|reached -M|max search depth too small|Search not completed|aborting' "$work/pan.log" ||
        [ "$(errors)" != 0 ]
}

errors()
{
    sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$work/pan.log"
}

states()
{
    sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' "$work/pan.log"
}

skipped()
{
    [ -n "$wanted" ] && case "$wanted " in *" $1 "*) return 1 ;; *) return 0 ;; esac
}

# holds MODEL DEFINES: no interleaving breaks a claim
holds()
{
    skipped "$1" && return
    verdict='not ok'
    search "$1" "${2-}" -O1 && [ "$(errors)" = 0 ] && verdict=ok
    report "$verdict" "$1" "${2-}" "$(states)"
}

# breaks MODEL DEFINES: a mistake, and the model notices
breaks()
{
    skipped "$1" && return
    verdict='not ok'
    search "$1" "$2" -O0 && [ "$(errors)" = 1 ] && verdict=ok
    report "$verdict" "$1" "$2" "noticed: $(sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p' "$work/pan.log")"
}

holds ready "-DPOPS=1"
holds ready "-DCONSUMERS=1 -DPUSHES=2 -DPOPS=3"
holds ready "-DPRODUCERS=1 -DOWN=2 -DPUSHES=2 -DPOPS=1"
breaks ready "-DPRODUCERS=1 -DOWN=2 -DPUSHES=2 -DBUG_SAFE"
breaks ready "-DPRODUCERS=1 -DOWN=2 -DPUSHES=2 -DBUG_THRESHOLD"

holds slots
holds slots "-DTHREADS=2 -DNUMBERS=3 -DROUNDS=4"
breaks slots "-DBUG_NO_TAG"
breaks slots "-DBUG_ONE_LOOK"

holds mailbox
holds mailbox "-DMAILS=3 -DRUN=2"
breaks mailbox "-DBUG_LEAVE"
breaks mailbox "-DBUG_STEAL"

holds farewell
holds farewell "-DJOBS=3"
breaks farewell "-DBUG_LOOK"
breaks farewell "-DBUG_LEFT"
breaks farewell "-DBUG_GLANCE"
breaks farewell "-DBUG_ALWAYS"

holds share
holds share "-DLANES=1 -DJOBS=3 -DCOMMITS=2"
breaks share "-DBUG_TAKEN"
breaks share "-DBUG_SAME"
breaks share "-DBUG_LANE"
breaks share "-DBUG_EARLY"

holds deal
holds deal "-DJOBS=3 -DSLOTS=2"
holds deal "-DWORKERS=3 -DMOST=2 -DJOBS=1"
holds deal "-DWATCHDOG -DJOBS=3 -DSLOTS=2"
breaks deal "-DBUG_LEAVE"
breaks deal "-DBUG_NUMBER"
breaks deal "-DBUG_EARLY"
breaks deal "-DBUG_STOP"
breaks deal "-DBUG_ENTER"

holds park "-DPRODUCERS=1 -DITEMS=3"
breaks park "-DBUG_NO_LOOK"
breaks park "-DBUG_NO_NEXT"
breaks park "-DBUG_FORGET"
breaks park "-DBUG_LOSE_SEARCH"
breaks park "-DBUG_NOBODY_LEFT"
breaks park "-DPRODUCERS=1 -DITEMS=3 -DBUG_UNWATCHED"
breaks park "-DPRODUCERS=1 -DITEMS=3 -DBUG_NO_TIMER"
breaks park "-DPRODUCERS=1 -DITEMS=3 -DBUG_BELIEVE"
holds park "-DPRODUCERS=1 -DITEMS=2 -DENOUGH=1"
breaks park "-DPRODUCERS=1 -DITEMS=3 -DENOUGH=1 -DBUG_SILENT"
breaks park "-DPRODUCERS=1 -DITEMS=3 -DBUG_MORE"

holds job
breaks job "-DBUG_FENCE"
breaks job "-DBUG_HOLD"
breaks job "-DBUG_KEEP"
breaks job "-DBUG_SETTLED"
breaks job "-DBUG_STALE"
breaks job "-DBUG_TWICE"
breaks job "-DBUG_WAKE"

holds queue
holds queue "-DMAX=6"
holds queue "-DEDGE"
holds queue "-DPRODUCERS=1 -DOTHER=2"
breaks queue "-DBUG_LATE"
breaks queue "-DBUG_REST"
breaks queue "-DBUG_FD"
breaks queue "-DBUG_UNSEEN"
breaks queue "-DBUG_COMPARE"
breaks queue "-DBUG_READ"
breaks queue "-DBUG_WHISPER"
breaks queue "-DPRODUCERS=1 -DOTHER=2 -DBUG_POLLED"
breaks queue "-DPRODUCERS=1 -DOTHER=2 -DBUG_BESIDE"
breaks queue "-DPRODUCERS=1 -DOTHER=2 -DBUG_REGARDLESS"

holds orphan
holds orphan "-DPRODUCERS=3 -DITEMS=1"
breaks orphan "-DBUG_EARLY"
breaks orphan "-DBUG_IDLE"
breaks orphan "-DBUG_ONCE"

holds drain
breaks drain "-DBUG_LOOK_FIRST"
breaks drain "-DBUG_NOT_TOLD"
breaks drain "-DBUG_TELL_EARLY"
breaks drain "-DBUG_RETURN_EARLY"
breaks drain "-DBUG_RETURN_UNTOLD"
breaks drain "-DBUG_SLOTLESS_LATE"

holds shelf
breaks shelf "-DBUG_LATE"
breaks shelf "-DBUG_LOOK_FIRST"
breaks shelf "-DBUG_NO_LOOK"

if [ $long = yes ]; then
    holds ready "-DPUSHES=2 -DPOPS=1"
    holds ready "-DPRODUCERS=1 -DOWN=2 -DPUSHES=2"
    holds ready "-DPOPS=2"
    holds mailbox "-DPRODUCERS=3 -DMAILS=2"
    holds deal "-DWATCHDOG"
    holds park "-DPRODUCERS=1 -DITEMS=3 -DENOUGH=1"
    holds park "-DPRODUCERS=1 -DITEMS=1 -DWORKERS=3"
    holds park "-DPRODUCERS=2 -DITEMS=1"
    holds park
    holds drain "-DJOBS=5"
    holds shelf "-DREADERS=3 -DPUTS=4"
fi

echo "models: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
