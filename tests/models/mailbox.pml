/* SPDX-License-Identifier: BSD-3-Clause */
/* A lane: its mailbox (lib/queue/mailbox.h), and who runs it (lib/core/context.c and worker.c).
 *
 * Producers push mail; the one that finds the mailbox idle calls a worker: the lane's home if it has one, else any, by
 * the ready queue. A worker takes the lane, runs up to RUN mails and puts it back, or leaves it when none are left. It
 * may pin the lane instead: it leaves with itself as home, sleeps on its parker until it is called, and may unpin
 * whenever it attends.
 *
 * Claims: two workers never run the lane at once; it is never twice in the ready queue, nor there while somebody runs
 * it or it is idle; mail never waits with nobody to run it; each is run once, those of one producer in order.
 *
 * A worker's parker is woken for many reasons, so its token does not say that the lane was called: called does. The
 * worker that is tired of waiting takes the lane back by adb__mailbox_attend(). It must not just take the mail
 * (BUG_STEAL): the producer of that mail has still to read home, and would call for a lane that needs no call.
 *
 * Fences: a producer reads home between its push, which acquires what the last leave released, and its call; a worker
 * writes it while it attends, so it is a plain variable. called is released by the producer and acquired by the worker.
 * The ready queue and the mailbox hand over the rest. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef MAILS
#define MAILS 2                 /* from each producer */
#endif
#ifndef RUN
#define RUN 1
#endif
#define WORKERS 2
#define TOTAL (PRODUCERS * MAILS)
#define NOBODY WORKERS

/* The word. Where it is a pointer, the chain is box. */
mtype = { IDLE, ATTENDED, MAIL };
mtype word = IDLE;
chan box = [TOTAL] of { byte, byte };    /* producer, number; in the order of arrival, which the reversal restores */

/* The lane: only who is responsible for it touches these, but for called. */
chan taken = [TOTAL] of { byte, byte };
byte home = NOBODY;
bool called;

byte ready;                     /* how often the lane is in the ready queue */
bool token[WORKERS];            /* of the parkers */

/* Not part of the protocol. */
byte running;                   /* workers that attend */
byte calling;                   /* producers that have found it idle, and not called yet */
bool asleep[WORKERS];           /* in adb__parker_wait() */
byte delivered[PRODUCERS];

inline check_queued() {
    assert(ready == 0 && running == 0 && word != IDLE && home == NOBODY)
}

inline attend_begins() {
    assert(running == 0 && ready == 0 && !called);
    running = 1
}

proctype producer(byte me)
{
    byte number, to;
    do
    :: number < MAILS ->
        number++;
        atomic {                        /* adb__mailbox_push(): the exchange that succeeds */
            box!me, number;
            if
            :: word == IDLE -> word = MAIL; calling++
            :: else -> word = MAIL; goto next
            fi
        }
        to = home;
        if
        :: to == NOBODY -> atomic { check_queued(); ready++; calling-- }
        :: to != NOBODY ->
            called = true;
            atomic { token[to] = true; calling--; to = 0 }
        fi;
next:
        skip
    :: else -> break
    od
}

/* Anything else that wakes a worker by name. */
active proctype pest()
{
end:
    do
    :: !token[0] -> token[0] = true
    :: !token[1] -> token[1] = true
    od
}

active proctype monitor()
{
end:
    /* Mail that nobody will run. */
    atomic {
        (nempty(box) || nempty(taken)) && running == 0 && ready == 0 && calling == 0 && !called ||
        called && calling == 0 && asleep[home] && !token[home] ->
        assert(false)
    }
}

/* adb__mailbox_take() */
inline take() {
    atomic {
        word = ATTENDED;
        do
        :: box?p, n -> taken!p, n
        :: empty(box) -> break
        od;
        p = 0; n = 0
    }
}

inline run_one() {
    atomic {
        taken?p, n;
        assert(running == 1 && delivered[p] == n - 1);
        delivered[p] = n;
        p = 0; n = 0
    }
}

proctype worker(byte me)
{
    byte p, n, left;
    bool pinned;
end_idle:
    atomic { ready > 0 -> ready--; attend_begins(); left = RUN }
attending:
    do
    :: nempty(taken) && (pinned || left > 0) -> run_one(); left = (pinned -> 0 : left - 1)
    :: empty(taken) && (pinned || left > 0) ->
        take();
        if
        :: nempty(taken)
        :: empty(taken) -> break
        fi
    :: pinned -> pinned = false; home = NOBODY
    :: !pinned && left == 0 ->
        atomic {                        /* put it back, with what is taken */
            running = 0;
            check_queued();
            ready++;
            goto end_idle
        }
    od;
    if
    :: pinned = true; home = me
    :: pinned = false; home = NOBODY
    fi;
    atomic {                            /* adb__mailbox_leave() */
        if
        :: word == ATTENDED -> word = IDLE; running = 0
#ifdef BUG_LEAVE
        :: word != ATTENDED -> word = IDLE; running = 0
#else
        :: word != ATTENDED -> goto attending
#endif
        fi;
        left = 0
    }
    if
    :: !pinned -> goto end_idle
    :: pinned
    fi;
    asleep[me] = true;
end_pinned:
    do
    :: token[me] ->
        atomic { token[me] = false; asleep[me] = false }
        if
        :: atomic { called -> called = false; attend_begins(); goto attending }
        :: !called -> asleep[me] = true
        fi
    :: true ->                          /* the deadline */
        asleep[me] = false;
#ifdef BUG_STEAL
        atomic { attend_begins(); goto attending };
#endif
        if
        :: atomic { word == IDLE -> word = ATTENDED; attend_begins(); goto attending }
        :: word != IDLE -> asleep[me] = true
        fi
    od
}

init
{
    byte i;
    atomic {
        for (i : 0 .. PRODUCERS - 1) {
            run producer(i)
        }
        for (i : 0 .. WORKERS - 1) {
            run worker(i)
        }
        i = 0
    }
}
