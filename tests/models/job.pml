/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a job, lib/core/job.c: one word per slot, generation | reason | state, that changes by exchange only.
 *
 *     FREE -> QUEUED            the submitter
 *     QUEUED -> RUNNING         the worker that pops it
 *     QUEUED -> DONE            an outsider: cancel, deadline, close; the worker that pops it then drops its hold
 *     RUNNING -> STOPPING       an outsider, with its reason
 *     STOPPING -> CANCELLING    the watchdog, before it calls driver->cancel()
 *     CANCELLING -> STOPPING    the watchdog or its helper, when that has returned; wakes the worker
 *     RUNNING -> QUEUED         the worker: it may not run the job, another one will
 *     RUNNING <-> SETTLED       the worker: the job waits for a commit that it shares, while others run; or runs again
 *     STOPPING -> SETTLED       the worker: it has run all the same, and waits for a flush that it shares
 *     RUNNING, STOPPING, SETTLED -> DONE
 *                               the worker, when the driver has returned; or the closer at its deadline: abandoned
 *     CANCELLING -> DONE        the closer at its deadline, and the word remembers that a cancel is under way until the
 *                               watchdog has come back: the worker waits for that as always
 *     DONE -> FREE              whoever drops the last of two holds, the worker's and the delivery's; next generation
 *
 * Here two jobs pass through one slot and one worker, which then closes its connection, while somebody cancels the first
 * by its id, deadlines pass, a watchdog cancels what has to stop, as often as it likes, and somebody closes.
 *
 * Claims: each accepted job is delivered exactly once, by whoever made it DONE; driver->cancel() is never under way when
 * the connection has begun another job or is closed; the id of the first job does nothing to the second; nobody gets
 * stuck.
 *
 * Fences: an exchange acquires what the earlier ones released: the job's fields, the driver's effects and the result. */
#define JOBS 2
#define OTHERS 99                       /* jobs of other slots, that share a commit with a settled one */

mtype = { FREE, QUEUED, RUNNING, STOPPING, CANCELLING, SETTLED, DONE };
mtype = { NONE, CANCEL, DEADLINE, CLOSE };

/* The word. */
byte generation = 1;
mtype state = FREE;
mtype reason = NONE;
bool under_way;                         /* a bit of the reason: given up while CANCELLING */

byte holds;
chan mailbox = [1] of { byte };         /* the lane's hold is for this, then for the worker that pops it */
chan completions = [JOBS + 1] of { byte };
bool token;                             /* of the worker's parker */

/* Not part of the protocol. */
byte on_connection;                     /* the job that the connection works for; 0: none */
bool closed;
bool cancelling;                        /* driver->cancel() is under way */
byte delivered[JOBS + 1];

#define IS(s) (generation == g && state == s)

inline load() {
    atomic { g = generation; s = state }
}

/* Every exchange compares the whole word. A reason is given once and stays. */
inline become(new_state, new_reason) {
    state = new_state;
    reason = (reason == NONE -> new_reason : reason)
}

inline drop_hold() {
    atomic { holds--; last = (holds == 0) }
    if
    :: last -> atomic { assert(state == DONE && !under_way); generation++; state = FREE; reason = NONE; last = false }
    :: else
    fi
}

active proctype submitter()
{
    byte job;
    do
    :: job < JOBS ->
        atomic { state == FREE -> job++ }       /* out of slots.h: nobody else has it */
        assert(holds == 0 && generation == job);
#ifdef BUG_HOLD                                 /* the mailbox holds nothing */
        holds = 1;
#else
        holds = 2;
#endif
        state = QUEUED;
        mailbox!job
    :: job == JOBS -> break
    od
}

active proctype worker()
{
    byte g, jobs;
    bool last;
    do
    :: jobs < JOBS ->
        atomic { mailbox?jobs; g = generation }
        assert(g == jobs);                      /* its hold keeps the slot */
claim:
        if
        :: atomic { IS(QUEUED) -> become(RUNNING, NONE); assert(!cancelling); on_connection = g }
work:
            if                                  /* the driver's call, as long as it takes */
            :: skip
            :: atomic { IS(RUNNING) -> become(QUEUED, NONE); on_connection = 0 }
                goto claim
            :: atomic { IS(RUNNING) -> become(SETTLED, NONE); assert(!cancelling); on_connection = OTHERS }
                if
                :: skip                         /* committed */
                :: atomic { IS(SETTLED) -> become(RUNNING, NONE); assert(!cancelling); on_connection = g }
                    goto work
                fi
            ::
keep:
                if
                :: atomic { IS(RUNNING) || IS(STOPPING) -> become(SETTLED, NONE); assert(!cancelling); on_connection = OTHERS }
#ifdef BUG_KEEP
                :: atomic { IS(CANCELLING) -> become(SETTLED, NONE); on_connection = OTHERS }
#else
                :: IS(CANCELLING) || (IS(DONE) && under_way) -> /* adb__parker_wait() */
                    atomic { token -> token = false }
                    goto keep
#endif
                :: IS(DONE) && !under_way       /* abandoned */
                fi
            fi;
finish:
            if
            :: atomic { IS(RUNNING) || IS(STOPPING) || IS(SETTLED) -> become(DONE, NONE) }
                completions!g
#ifdef BUG_FENCE
            :: atomic { IS(CANCELLING) -> become(DONE, NONE) }
                completions!g
#else
            :: IS(CANCELLING) || (IS(DONE) && under_way) -> /* adb__parker_wait() */
                atomic { token -> token = false }
                goto finish
#endif
            :: IS(DONE) && !under_way           /* abandoned */
            fi;
            on_connection = 0
        :: !IS(QUEUED)
        fi;
#ifndef BUG_HOLD
        drop_hold()
#else
        skip
#endif
    :: jobs == JOBS -> break
    od;
    atomic { assert(!cancelling); closed = true }
}

/* Callbacks, on another thread. */
active proctype application()
{
    byte g, jobs;
    bool last;
    do
    :: atomic {
        completions?g ->
        assert(IS(DONE));
        delivered[g]++;
        assert(delivered[g] == 1);
        jobs++
       }
        drop_hold();
        if
        :: jobs == JOBS -> break
        :: jobs < JOBS
        fi
    od;
end:
    completions?g ->
    assert(false)
}

/* What cancel, deadline and close have in common. */
inline stop(why) {
    if
    :: s == QUEUED ->
        if
        :: atomic { IS(QUEUED) -> become(DONE, why) }
            completions!g
        :: atomic { !IS(QUEUED) -> goto again }
        fi
#ifdef BUG_SETTLED                      /* a cancel reaches a job that has left the connection */
    :: s == SETTLED ->
        if
        :: atomic { IS(SETTLED) -> become(STOPPING, why) }
        :: atomic { !IS(SETTLED) -> goto again }
        fi
#endif
    :: s == RUNNING ->
        if
        :: atomic { IS(RUNNING) -> become(STOPPING, why) }
        :: atomic { !IS(RUNNING) -> goto again }
        fi
    :: else
    fi
}

/* With the id of the first job, at any time. */
active proctype canceller()
{
    byte g;
    mtype s;
again:
    load();
#ifndef BUG_STALE
    if
    :: g == 1 -> stop(CANCEL)
    :: g != 1
    fi
#else
    stop(CANCEL)
#endif
}

active proctype watchdog()
{
    byte g;
    mtype s;
again:
end:
    do
    :: state == STOPPING ->
        load();
        if
        :: atomic { s == STOPPING && IS(STOPPING) -> become(CANCELLING, NONE) }
            atomic { assert(on_connection == g && !closed); cancelling = true }
            atomic { assert(on_connection == g && !closed); cancelling = false }
            atomic {
                if
                :: IS(CANCELLING) -> become(STOPPING, NONE)
                :: IS(DONE) && under_way -> under_way = false
                :: else -> assert(false)        /* nobody else leaves CANCELLING */
                fi
            }
#ifndef BUG_WAKE
            token = true
#endif
        :: !(s == STOPPING && IS(STOPPING))
        fi
    :: state == QUEUED || state == RUNNING ->
        load();
        stop(DEADLINE)
    od
}

active proctype closer()
{
    byte g;
    mtype s;
again:
    load();
    stop(CLOSE);
abandon:
    load();
    if
    :: s == QUEUED ->
        if
        :: atomic { IS(QUEUED) -> become(DONE, CLOSE) }
            completions!g
        :: atomic { !IS(QUEUED) -> goto abandon }
        fi
    :: s == RUNNING || s == STOPPING || s == SETTLED ->
        if
#ifndef BUG_TWICE
        :: atomic { IS(s) -> become(DONE, CLOSE) }
            completions!g
        :: atomic { !IS(s) -> goto abandon }
#else
        :: atomic { become(DONE, CLOSE) }
            completions!g
#endif
        fi
    :: s == CANCELLING ->
        if
        :: atomic { IS(CANCELLING) -> become(DONE, CLOSE); under_way = true }
            completions!g
        :: atomic { !IS(CANCELLING) -> goto abandon }
        fi
    :: else
    fi
}

active proctype monitor()
{
end:
    atomic { generation > 1 && reason == CANCEL -> assert(false) }
}
