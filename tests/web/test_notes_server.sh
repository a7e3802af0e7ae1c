#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The web service of examples/notes_server.c on each database, by curl and under the load of wrk: what it answers, what it
# does when things go wrong, and that it loses nothing when it is stopped. SQLite without a server, the others with their own.

top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
. "$top_srcdir/tests/lib/check.sh"

service=$build/examples/notes_server
for tool in "$service" curl wrk; do
    command -v "$tool" >/dev/null || skip "no $tool"
done
make_work_dir

passed=0
failed=0
deadline_ms=60000 # longer than any test
pid=
loader=

# claim WORDS FUNCTION ARGUMENT…: one claim about $on; it holds when the function has nothing to complain of.
claim() {
    words=$1
    shift
    "$@" >"$work/complaints" 2>&1
    if [ -s "$work/complaints" ]; then
        failed=$((failed + 1))
        cat "$work/complaints"
        echo "not ok $on: $words"
    else
        passed=$((passed + 1))
        echo "ok $on: $words"
    fi
}

# The service -----------------------------------------------------------------------

# start_service URL: sets $pid and $at.
start_service() {
    rm -f "$work/said"
    mkfifo "$work/said"
    "$service" -p 0 -t "$deadline_ms" "$1" >"$work/said" 2>"$work/errors" &
    pid=$!
    exec 7<"$work/said"
    read -r said <&7
    at=http://127.0.0.1:${said#listening on port }
    case $said in
    listening*) ;;
    *) echo "the service does not start: $said"; cat "$work/errors" ;;
    esac
}

# What it says last is in $said, its exit status in $ended.
await_service() {
    wait "$pid"
    ended=$?
    read -r said <&7
    exec 7<&-
    pid=
}

stop_service() {
    kill -TERM "$pid"
    await_service
    [ "$ended" -eq 0 ] || { echo "the service has ended with $ended"; cat "$work/errors"; }
}

clean_up() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
    [ -z "$loader" ] || kill "$loader" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT

# ask METHOD PATH [BODY]: sets $code and $body.
ask() {
    if [ $# -gt 2 ]; then
        code=$(curl -sS -m 60 -o "$work/body" -w '%{http_code}' -X "$1" "$at$2" --data-binary "$3")
    else
        code=$(curl -sS -m 60 -o "$work/body" -w '%{http_code}' -X "$1" "$at$2")
    fi
    body=$(cat "$work/body")
    rm -f "$work/body"
}

# answers CODE BODY METHOD PATH [BODY]: complains when the answer is another. The expected body is a pattern of the shell.
answers() {
    want_code=$1
    want_body=$2
    shift 2
    ask "$@"
    case $code$body in
    $want_code$want_body) ;;
    *) echo "$*: $code $body, not $want_code $want_body" ;;
    esac
}

# stat NAME: one of the figures of the service.
stat() {
    ask GET /stats
    echo "$body" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

# await_stats VALUE NAME…: until the sum of these figures is at least that, or the service is gone. Counts in $n_asked how
# often it has asked. The timeout of the test is that of the wait.
await_stats() {
    want=$1
    sum=0
    n_asked=0
    shift
    while [ "$sum" -lt "$want" ]; do
        sum=0
        for name in "$@"; do
            figure=$(stat "$name")
            [ -n "$figure" ] || { echo "the service is gone"; return; }
            sum=$((sum + figure))
            n_asked=$((n_asked + 1))
        done
    done
}

# Locks -----------------------------------------------------------------------------

# hold URL: until release, what the service writes has to wait. It may have to wait for a write that is under way.
hold() {
    rm -f "$work/held" "$work/hold"
    mkfifo "$work/held" "$work/hold"
    "$build/tests/web/hold" "$1" <"$work/hold" >"$work/held" &
    holder=$!
    exec 8>"$work/hold"
    read -r held <"$work/held"
    [ "$held" = held ] || echo "the notes cannot be locked"
}

release() {
    exec 8>&-
    wait "$holder"
}

# in_background NAME METHOD PATH BODY: a request whose answer is in the file NAME when $! has ended.
in_background() {
    curl -sS -m 60 -o "$work/$1" -w '%{http_code}\n' -X "$2" "$at$3" --data-binary "$4" >"$work/$1.code" 2>/dev/null 8>&- &
}

# Claims ----------------------------------------------------------------------------

first_notes() {
    answers 201 '{"list":"in","title":"milk","text":"two","id":1}' POST /notes '{"list":"in","title":"milk","text":"two"}'
    answers 201 '{"list":"in","title":"čaj ☕","id":2,"text":""}' POST /notes '{"list":"in","title":"čaj ☕"}'
    answers 200 '{"id":2,"list":"in","title":"čaj ☕","text":""}' GET /notes/2
    answers 200 '{"notes":\[{"id":1,*,{"id":2,*}\]}' GET '/notes?list=in'
    answers 200 '{"notes":\[{"id":2,*}\]}' GET '/notes?list=in&after=1'
    answers 200 '{"notes":\[\]}' GET '/notes?list=nobody'
    answers 200 '{"list":"in","title":"milk","text":"three","id":1}' PUT /notes/1 \
        '{"list":"in","title":"milk","text":"three"}'
    answers 200 '{"id":1,"list":"in","title":"milk","text":"three"}' GET /notes/1
    answers 204 '' DELETE /notes/2
    answers 404 '{"error":"not found",*}' GET /notes/2
    answers 404 '{"error":"not found",*}' DELETE /notes/2
    answers 404 '{"error":"not found",*}' PUT /notes/2 '{"list":"in","title":"milk","text":"three"}'
}

unique_titles() {
    answers 409 '{"error":"ADB_E_UNIQUE","message":*}' POST /notes '{"list":"in","title":"milk"}'
    answers 201 '*' POST /notes '{"list":"out","title":"milk"}'
    answers 201 '*' POST /notes '{"list":"in","title":"sugar"}'
    ask GET '/notes?list=in'
    sugar=$(echo "$body" | sed -n 's/.*{"id":\([0-9]*\),"list":"in","title":"sugar".*/\1/p')
    answers 409 '{"error":"ADB_E_UNIQUE",*}' PUT "/notes/$sugar" '{"list":"in","title":"milk"}'
}

moves() {
    ask GET '/notes?list=in'
    before=$body
    ids=$(echo "$body" | tr '{' '\n' | sed -n 's/"id":\([0-9]*\),.*/\1/p' | paste -sd , -)
    answers 409 '{"error":"ADB_E_UNIQUE",*}' POST /move '{"from":"in","to":"out","notes":['"$ids]}"
    answers 404 '{"error":"ADB_E_NOT_FOUND",*}' POST /move '{"from":"in","to":"done","notes":['"$ids,999999]}"
    answers 422 '{"error":"ADB_E_*' POST /move '{"from":"in","to":"","notes":['"$ids]}"
    ask GET '/notes?list=in'
    [ "$body" = "$before" ] || echo "a move that failed has left $body"
    moved=$(echo "$before" | sed 's/"list":"in"/"list":"done"/g')
    answers 200 "$(echo "$moved" | sed 's/[][]/\\&/g')" POST /move '{"from":"in","to":"done","notes":['"$ids]}"
    answers 200 '{"notes":\[\]}' GET '/notes?list=in'
    answers 200 "$(echo "$before" | sed 's/[][]/\\&/g')" POST /move '{"from":"done","to":"in","notes":['"$ids]}"
}

bad_requests() {
    for bad in '' '{' '[]' '{"list":"in"}' '{"list":"in","title":7}' '{"list":"in","title":"a","colour":"red"}' \
        '{"list":"in","list":"in","title":"a"}' '{"list":"in","title":"a\u0000b"}'; do
        answers 400 '{"error":"bad *","message":*}' POST /notes "$bad"
    done
    for bad in '{}' '{"from":"a","to":"b","notes":[]}' '{"from":"a","to":"b","notes":["1"]}' '{"from":"a","to":"b","notes":1}'; do
        answers 400 '{"error":"bad *","message":*}' POST /move "$bad"
    done
    answers 422 '{"error":"ADB_E_*' POST /notes '{"list":"in","title":""}'
    answers 422 '{"error":"ADB_E_*' POST /notes '{"list":"in","title":"'"$(printf '%0300d' 0)"'"}'
    answers 400 '{"error":"bad query",*}' GET /notes
    head -c 100000 /dev/zero >"$work/zeros"
    answers 413 '*' POST /notes "@$work/zeros"
}

wrong_ways() {
    for path in / /note /notes/ /notes/x /notes/1/2 /notes/-1 /moves; do
        answers 404 '{"error":"not found",*}' GET "$path"
    done
    answers 405 '{"error":"bad method",*}' GET /move
    answers 405 '{"error":"bad method",*}' DELETE /notes
    answers 405 '{"error":"bad method",*}' PATCH /notes/1 '{}'
}

# While somebody else has the notes, what writes one hangs; then its client goes away.
hang_up() {
    hold "$1"
    in_background gone PUT /notes/1 '{"list":"in","title":"gone"}'
    client=$!
    await_stats 1 running
    kill -KILL "$client"
    wait "$client" 2>/dev/null
    await_stats 1 cancelled
    [ "$(stat hung_up)" -eq 1 ] || echo "it was not said that a client hung up"
    release
    answers 200 '{"id":1,*"title":"milk",*}' GET /notes/1
}

# With room for four jobs, four that hang fill the queue.
full_queue() {
    hold "$1"
    clients=
    for i in 1 2 3 4; do
        in_background "full$i" PUT /notes/1 '{"list":"in","title":"milk","text":"'$i'"}'
        clients="$clients $!"
    done
    await_stats 4 waiting running
    answers 503 '{"error":"ADB_E_BUSY","message":*}' GET /notes/1
    [ "$(stat refused)" -ge 1 ] || echo "nothing was refused"
    release
    wait $clients
    for i in 1 2 3 4; do
        [ "$(cat "$work/full$i.code")" = 200 ] || echo "one that had waited: $(cat "$work/full$i")"
    done
    answers 200 '{"id":1,*}' GET /notes/1
}

deadline() {
    hold "$1"
    answers 504 '{"error":"ADB_E_TIMEOUT","message":*}' PUT /notes/1 '{"list":"in","title":"late"}'
    release
}

# field NAME LINE: a counter of load.lua.
field() {
    echo "$2" | sed -n "s/.* $1 \([0-9]*\).*/\1/p"
}

# count_list NAME: its notes. A page is 100 of them, so pages that begin at each 100 numbers show all; one curl asks for many.
count_list() {
    last=5000
    until
        curl -sS -m 60 "$at/notes?list=$1&after=[0-$last:100]" | tr '{' '\n' | sed -n 's/"id":\([0-9]*\),.*/\1/p' |
            sort -un >"$work/ids"
        [ ! -s "$work/ids" ] || [ "$(tail -n 1 "$work/ids")" -le "$last" ]
    do
        last=$((last * 2))
    done
    wc -l <"$work/ids"
}

# load_by LIST COMMAND…: wrk goes on until the command has ended; what it says is in $line.
load_by() {
    wrk -t 1 -c 32 -d 60 -s tests/web/load.lua "$at" -- "$1" >"$work/wrk" &
    loader=$!
    shift
    "$@"
    kill -INT "$loader"
    wait "$loader"
    loader=
    line=$(grep ^load: "$work/wrk")
}

load() {
    answers 200 '{"id":1,*"title":"milk",*}' GET /notes/1
    load_by load await_stats 5000 completed
    [ "$(field created "$line")" -gt 0 ] && [ "$(field read "$line")" -gt 0 ] &&
        [ "$(field other "$line")" -eq 0 ] && [ "$(field errors "$line")" -eq 0 ] || echo "wrk says: $line"
    # When wrk leaves, requests are under way: their notes may be there, and nobody was told.
    stored=$(count_list load)
    [ "$stored" -ge "$(field created "$line")" ] || echo "$stored notes are there; wrk says: $line"
}

# Until the clients of a service that has ended have read all that it has told them: their ends wait to be closed (state 08).
await_readers() {
    port=$(printf '%04X' "${at##*:}")
    while grep -q "^ *[0-9]*: [^ ]* [^ ]*:$port 08 " /proc/net/tcp; do :; done
}

stop_soon() {
    await_stats 200 completed
    stop_service
    await_readers
}

# Stopped under load, the service has answered what it has taken, and wrk has got each answer.
stop_under_load() {
    load_by stop stop_soon
    complete=$(($(field complete "$line") + n_asked))
    [ "$said" = "stopped: $complete requests answered, 0 hung up" ] || echo "$said; asked $n_asked, wrk says: $line"
    [ "$(field other "$line")" -eq 0 ] || echo "wrk says: $line"
    start_service "$1"
    stored=$(count_list stop)
    [ "$stored" -eq "$(field created "$line")" ] || echo "$stored notes are there; wrk says: $line"
    stop_service
}

# The server of the database goes away, and comes back.
database_away() {
    own stop "$1"
    answers 503 '{"error":"ADB_E_CONNECTION","message":"*"}' GET /notes/1
    answers 503 '{"error":"ADB_E_CONNECTION","message":"*"}' POST /notes '{"list":"in","title":"away"}'
    answers 200 '*"connections":0}' GET /stats
    own start "$1" >/dev/null
    until
        ask GET /notes/1
        [ "$code" -eq 200 ]
    do
        [ "$code" -eq 503 ] || { echo "$code $body"; return; }
    done
    answers 201 '*' POST /notes '{"list":"in","title":"away"}'
}

# Each database --------------------------------------------------------------------

own() {
    sh "$ADB_TEST_SERVERS/own.sh" "$@"
}

# with URL OPTION
with() {
    case $1 in
    *\?*) echo "$1&$2" ;;
    *) echo "$1?$2" ;;
    esac
}

# web_on NAME URL [SERVER]
web_on() {
    on=$1
    claim "it starts" start_service "$(with "$2" queue_capacity=4)"
    [ -n "$said" ] || return
    claim "notes are created, read, listed, changed and deleted" first_notes
    claim "two notes of a list have different titles" unique_titles
    claim "a move takes all notes, or none" moves
    claim "bad bodies are refused, with a reason" bad_requests
    claim "unknown paths and methods are refused" wrong_ways
    claim "the job of a client that hangs up is cancelled" hang_up "$2"
    claim "a full queue refuses at once, and those that wait are answered" full_queue "$2"
    claim "it stops" stop_service
    deadline_ms=200
    start_service "$2"
    claim "a request that takes too long is answered at its deadline" deadline "$2"
    deadline_ms=60000
    stop_service
    start_service "$2"
    claim "under load each request is answered well" load
    [ -z "${3:-}" ] || claim "it outlives its database" database_away "$3"
    claim "it stops after the load" stop_service
    start_service "$2"
    claim "stopped under load it loses neither an answer nor a note" stop_under_load "$2"
}

# web_on_own KIND: a server that is ours alone.
web_on_own() {
    if [ -n "${ADB_TEST_SERVERS:-}" ] && url=$(own start "$1" "web_$1" | sed -n 's/^url=//p') && [ -n "$url" ]; then
        web_on "$1" "$url" "web_$1"
        own drop "web_$1"
    else
        echo "left out for want of a server: $1"
    fi
}

web_on sqlite "sqlite:///$work/notes.db"
web_on_own postgresql
web_on_own mysql
echo "$check: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
