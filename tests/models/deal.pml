/* SPDX-License-Identifier: BSD-3-Clause */
/* A dealer (lib/core/deal.c): the jobs of a parallel context wait in its mailbox, and it has one place in the ready queue
 * for all of them.
 *
 * Producers take a free slot, push its job, and the one that finds the mailbox idle puts the dealer on the ready queue under
 * the number of that slot. A worker that pops the dealer takes the first job out, puts the dealer back under the number of
 * the next one, or leaves it, and runs the job. It may give it back once instead, as a lane of its own under its own
 * number. When it has run the slot is free.
 *
 * While others are about, which may be or not be whenever a worker looks, no more than MOST workers deal (lib/core/aside.c):
 * one more that gets the dealer leaves it aside, as does one that has dealt and sees that enough do. Those who deal look
 * there when the ready queue is empty. Who deals no more, as it has found another lane or none, or as the others are gone,
 * sends on what stands aside. So may the watchdog, at any time.
 *
 * Claims: the dealer is never twice in the ready queue, nor there while somebody deals or it is idle, nor without a job; no
 * number is in the ready queue twice; no job waits with nobody to deal it; the dealer stands aside only while somebody
 * deals; no more than MOST count as dealing; no job is run by two workers at once, and each is run to its end.
 *
 * The mailbox itself is in mailbox.pml. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef JOBS
#define JOBS 2                  /* from each producer */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef MOST
#define MOST 1
#endif
#define TOTAL (PRODUCERS * JOBS)

mtype = { IDLE, ATTENDED, MAIL };
mtype word = IDLE;
chan box = [SLOTS] of { byte };     /* slots, in the order of arrival, which the reversal restores */
chan taken = [SLOTS] of { byte };   /* the dealer's backlog: who deals */

mtype = { DEALER, OWN };
chan ready = [SLOTS] of { mtype, byte };

/* Written under the lock. */
bool aside;
byte n_dealing;

/* Not part of the protocol. */
bool used[SLOTS], queued[SLOTS], again[SLOTS];
byte running[SLOTS];
byte n_run, dealing, calling, in_ready; /* dealing: who attends the dealer */

inline push_ready(what, slot) {
    atomic {
        assert(!queued[slot] && used[slot]);
        queued[slot] = true;
        if
        :: what == DEALER -> assert(in_ready == 0 && word != IDLE); in_ready++
        :: else
        fi;
        ready!what, slot
    }
}

/* adb__mailbox_take() */
inline take() {
    atomic {
        word = ATTENDED;
        do
        :: box?first -> taken!first
        :: empty(box) -> break
        od;
        first = 0
    }
}

proctype producer()
{
    byte left = JOBS, slot;
    do
    :: left > 0 ->
        atomic {
            if
            :: !used[0] -> slot = 0
            :: !used[1] -> slot = 1
            :: SLOTS > 2 && !used[SLOTS - 1] -> slot = SLOTS - 1
            fi;
            used[slot] = true;
            again[slot] = false;
            left--
        }
        atomic {                        /* adb__mailbox_push() */
            box!slot;
            if
            :: word == IDLE -> word = MAIL; calling++
            :: else -> word = MAIL; goto next
            fi
        }
        atomic { assert(dealing == 0); push_ready(DEALER, slot); calling-- }
next:
        skip
    :: else -> break
    od
}

inline run_job(slot) {
    atomic { assert(running[slot] == 0 && used[slot]); running[slot]++ }
    if
    :: !again[slot] ->                  /* it is given back: put on the queue as a lane */
        again[slot] = true;
        atomic { running[slot]--; push_ready(OWN, slot) }
    :: atomic { running[slot]--; n_run++; used[slot] = false }
    fi
}

/* adb__deal_stop() */
inline stop() {
    atomic {                            /* adb__aside_leave() */
        deals = false;
        n_dealing--;
        sends = aside;
#ifdef BUG_STOP
        sends = false;                  /* others that deal will see to it, if there are any */
#endif
        if
        :: sends -> aside = false; dealing++
        :: else
        fi
    }
    send_on()
}

inline send_on() {
    if
    :: sends ->
        if
        :: empty(taken) -> take()
        :: nempty(taken)
        fi;
        taken?<first>;
        atomic { sends = false; dealing--; push_ready(DEALER, first) }
    :: else
    fi
}

#ifdef WATCHDOG
/* adb__deal_watch() */
active proctype watchdog()
{
    byte first;
    bool sends;
end:
    do
    :: atomic { aside -> aside = false; dealing++; sends = true };
        send_on()
    od
}
#endif

proctype worker()
{
    mtype what;
    byte slot, first;
    bool deals, sends, enough;
end_idle:
    /* adb__pool_next() */
    atomic {
        if
        :: ready?what, slot ->
            queued[slot] = false;
            if
            :: what == OWN -> goto running_it
            :: what == DEALER -> assert(dealing == 0 && in_ready == 1); in_ready--; dealing++
            fi
        :: empty(ready) && deals && aside -> aside = false; dealing++ /* adb__aside_take() */
        :: deals -> goto stopping       /* it has found another lane, or none */
        fi
    }
    /* adb__deal() */
    if
    :: skip ->                          /* others are about */
        if
        :: !deals ->
#ifdef BUG_ENTER
            if                          /* it goes aside when they may have gone */
            :: n_dealing >= MOST -> atomic { aside = true; dealing--; goto end_idle }
            :: n_dealing < MOST
            fi;
#endif
            atomic {                    /* adb__aside_enter() */
                if
                :: n_dealing < MOST -> n_dealing++; deals = true
                :: else -> aside = true; dealing--; goto end_idle
                fi
            }
        :: else
        fi
    :: skip ->                          /* they are not */
        if
        :: deals -> stop()
        :: else
        fi
    fi;
    if
    :: empty(taken) -> take()
    :: nempty(taken)
    fi;
    assert(nempty(taken));
#ifdef BUG_EARLY
    taken?<slot>;                       /* and is taken out later: meanwhile another worker deals it too */
#else
    taken?slot;
#endif
    do
    :: nempty(taken) ->
        taken?<first>;
        atomic {                        /* adb__aside_keep() */
            enough = deals && n_dealing >= MOST;
            if
            :: enough -> aside = true; dealing--; break
            :: else
            fi
        }
        atomic {
            dealing--;
#ifdef BUG_NUMBER
            push_ready(DEALER, slot);
#else
            push_ready(DEALER, first);
#endif
            break
        }
    :: empty(taken) ->
        take();
        if
        :: nempty(taken)
        :: empty(taken) ->
            atomic {                    /* adb__mailbox_leave() */
                if
                :: word == ATTENDED -> word = IDLE; dealing--; break
#ifdef BUG_LEAVE
                :: word != ATTENDED -> word = IDLE; dealing--; break
#else
                :: word != ATTENDED
#endif
                fi
            }
        fi
    od;
#ifdef BUG_EARLY
    taken?slot;
#endif
running_it:
    run_job(slot);
    goto end_idle;
stopping:
    stop();
    goto end_idle
}

active proctype monitor()
{
end:
    /* Jobs that nobody will deal. */
    atomic {
        (nempty(box) || nempty(taken)) && dealing == 0 && in_ready == 0 && calling == 0 && !aside ||
        aside && n_dealing == 0 ||
        timeout && n_run < TOTAL ->
        assert(false)
    }
}

init
{
    byte i;
    atomic {
        for (i : 1 .. PRODUCERS) {
            run producer()
        }
        for (i : 1 .. WORKERS) {
            run worker()
        }
        i = 0
    }
}
