/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a lane (lib/core/lane.c, worker.c): who drops the reference of those who attend, while its one submitter
 * gives up the last handle at any moment of its jobs' lives. Who runs it when is mailbox.pml's.
 *
 * Claims: the memory is freed once, in the end always, and touched by nobody afterwards.
 *
 * A worker that has left the lane may not look whether it is over (BUG_LOOK): it may be gone. A farewell that finds it
 * left has to drop the reference (BUG_LEFT), but may not conclude that from a glance at the mailbox and one at home, which
 * may attend by itself in between, and be no home any more (BUG_GLANCE). A worker drops it for a lane that is over, and
 * only then (BUG_ALWAYS). */
#ifndef JOBS
#define JOBS 2
#endif
#define WORKERS 2
#define NOBODY WORKERS

mtype = { IDLE, ATTENDED, MAIL, JOB, FAREWELL };
mtype word = IDLE;
chan box = [JOBS + 1] of { mtype };     /* the mailbox's chain */
chan taken = [JOBS + 1] of { mtype };   /* the backlog */

byte refs = 2;                          /* the handle's, and who attends */
bool freed;
bool over;
bool called;
byte home = NOBODY;
byte ready;                             /* how often the lane is in the ready queue */

inline touch() {
    assert(!freed)
}

inline unref() {
    atomic {
        touch();
        assert(refs > 0);
        refs--;
        freed = (refs == 0)
    }
}

inline push(mail) {
    atomic {                            /* adb__mailbox_push() */
        touch();
        found = word;
        box!mail;
        word = MAIL
    }
}

active proctype submitter()
{
    mtype found;
    byte n;
    bool left;
    do
    :: n < JOBS ->
        n++;
        push(JOB);
        if
        :: found == IDLE ->
            touch();
            if
            :: home == NOBODY -> ready++
            :: home != NOBODY -> called = true
            fi
        :: else
        fi
    :: break
    od;
    /* adb__lane_farewell() */
#ifdef BUG_GLANCE
    atomic { touch(); left = (word == IDLE) };
    atomic { touch(); left = (left && home == NOBODY) };
#endif
    if
    :: !left ->
        push(FAREWELL);
        if
        :: found == IDLE ->
            touch();
#ifndef BUG_LEFT
            left = (home == NOBODY);
#endif
            if
            :: home != NOBODY -> called = true
            :: else
            fi
        :: else
        fi
    :: else
    fi;
    if
    :: left -> unref()
    :: else
    fi;
    unref()                             /* the handle's */
}

proctype worker(byte me)
{
    mtype mail;
    bool pinned, was_over, tired;
end_idle:
    atomic { ready > 0 -> ready--; assert(ready == 0) };
attending:
    do
    :: nempty(taken) ->
        atomic {
            touch();
            taken?mail;
            if
            :: mail == JOB -> if :: pinned = true :: pinned = false fi
            :: mail == FAREWELL -> pinned = false; over = true
            fi
        }
    :: empty(taken) ->
        atomic {                        /* adb__mailbox_take() */
            touch();
            word = ATTENDED;
            do
            :: box?mail -> taken!mail
            :: empty(box) -> break
            od
        }
        if
        :: empty(taken) -> break
        :: nempty(taken)
        fi
    od;
    /* worker_leave() */
    atomic { touch(); home = (pinned -> me : NOBODY) };
    atomic { touch(); was_over = over };
    atomic {
        touch();
        if
        :: word == ATTENDED -> word = IDLE
        :: else -> goto attending
        fi
    }
    if
    :: !pinned ->
#ifdef BUG_LOOK
        atomic { touch(); was_over = over };
#endif
#ifdef BUG_ALWAYS
        was_over = true;
#endif
        if
        :: was_over -> unref()
        :: else
        fi;
        was_over = false;
        goto end_idle
    :: else
    fi;
end_pinned:
    if
    :: atomic { called -> touch(); called = false }
    :: !tired -> tired = true;          /* it gives up what it holds */
        if
        :: atomic { word == IDLE -> touch(); word = ATTENDED; pinned = false }
        :: word != IDLE -> goto end_pinned
        fi
    fi;
    goto attending
}

/* When nothing more happens. */
active proctype monitor()
{
    timeout -> assert(freed)
}

init
{
    atomic {
        run worker(0);
        run worker(1)
    }
}
