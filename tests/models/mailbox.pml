/* SPDX-License-Identifier: BSD-3-Clause */
/* A lane: its mailbox (lib/queue/mailbox.h), and who runs it (lib/core/context.c and worker.c).
 *
 * Producers push mail; the one that finds the mailbox idle calls a worker: the lane's home if it has one, else any, by
 * the ready queue. A worker takes the lane, runs up to RUN mails and puts it back, or leaves it when none are left. It
 * may pin the lane instead: it leaves with itself as home, sleeps on its parker until it is called, and may unpin
 * whenever it attends.
 *
 * Claims: two workers never run the lane at once; it is never twice in the ready queue, nor there while it is attended
 * or idle; all mail is run, each once, that of one producer in order.
 *
 * A worker's parker is woken for many reasons, so its token does not say that the lane was called: called does. The
 * worker that is tired of waiting takes the lane back by adb__mailbox_attend(). It must not just take the mail
 * (BUG_STEAL): the producer of that mail has still to read home, and would call for a lane that needs no call.
 *
 * Fences: home is read by a producer between its push, which acquires what the last leave released, and its call; a
 * worker writes it while it attends. So home needs no atomic of its own. called is released by the producer and
 * acquired by the worker. */
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
chan box = [TOTAL] of { byte, byte };    /* producer, number; in the order of arrival, as the reversal restores it */

/* The lane: only who attends touches these, but for called. */
chan taken = [TOTAL] of { byte, byte };
byte home = NOBODY;
bool called;

byte ready;                     /* how often the lane is in the ready queue */
bool token[WORKERS];            /* of the parkers */

/* Not part of the protocol. */
byte running;                   /* workers that attend */
byte delivered[PRODUCERS];
byte total;

inline check_queued() {
    assert(ready == 0 && running == 0 && word != IDLE)
}

proctype producer(byte me)
{
    byte number, to;
    bool was_idle;
    do
    :: number < MAILS ->
        atomic {                        /* adb__mailbox_push(): the exchange that succeeds */
            number++;
            was_idle = (word == IDLE);
            box!me, number;
            word = MAIL
        }
        if
        :: was_idle ->
            to = home;
            if
            :: to == NOBODY -> atomic { check_queued(); ready++ }
            :: to != NOBODY -> called = true; token[to] = true
            fi;
            to = 0
        :: else
        fi;
        was_idle = false
    :: else -> break
    od
}

/* Anything else that wakes a worker by name. */
active proctype pest()
{
end:
    do
    :: token[0] = true
    :: token[1] = true
    od
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

inline attend_begins() {
    assert(running == 0 && ready == 0);
    running = 1
}

proctype worker(byte me)
{
    byte p, n, left;
    bool left_it;
end:
    do
    :: atomic { ready > 0 -> ready--; attend_begins() }
        left = RUN;
attending:
        if
        :: nempty(taken) && left > 0 ->
            atomic {
                taken?p, n;
                assert(running == 1 && delivered[p] == n - 1);
                delivered[p] = n;
                total++;
                left = (home == me -> left : left - 1);
                p = 0; n = 0
            }
            goto attending
        :: nempty(taken) && left == 0 ->
put_back:
            atomic { running = 0; check_queued(); ready++; left = 0 }
        :: empty(taken) && left == 0 && home != me -> goto put_back
        :: empty(taken) && (left > 0 || home == me) ->
            take();
            if
            :: nempty(taken) -> goto attending
            :: empty(taken) -> home = me                /* pin, or stay pinned */
            :: empty(taken) -> home = NOBODY            /* do not, or unpin */
            fi;
            atomic {                    /* adb__mailbox_leave() */
                if
#ifndef BUG_LEAVE
                :: word == ATTENDED -> word = IDLE; running = 0; left_it = true
                :: word != ATTENDED -> left_it = false
#else
                :: word = IDLE; running = 0; left_it = true
#endif
                fi
            }
            if
            :: !left_it -> goto attending
            :: left_it && home == me -> left_it = false; goto pinned
            :: left_it && home != me -> left_it = false; left = 0
            fi
        fi
    od;
pinned:
    skip
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
