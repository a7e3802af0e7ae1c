/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing, lib/core/job.c and lib/core/close.c: the gate, the words of the slots, and a closer that waits until no job is
 * on its way. Nobody counts the jobs that are: the closer looks through the slots, and never comes back to one that it has
 * found free or done.
 *
 *     submitter                   worker, outsider            closer
 *     state = QUEUED              QUEUED -> DONE              gate = shut
 *     gate open?  go on           gate shut?  tell            for each slot: wait while it is QUEUED
 *     else QUEUED -> FREE, tell
 *
 * Two submitters with a slot each, one of them twice; who ends a job may be the worker or, to the submitter's surprise, an
 * outsider.
 *
 * Claims: once the closer is through, no job is on its way any more, nor will one be; and it gets through: it is told of
 * whatever it waits for. Each job that its submitter takes for accepted is ended once, a refused one never.
 *
 * Fences: what one side writes comes before what it reads of the other's: sequentially consistent, all of it. */
#ifndef JOBS
#define JOBS 3                          /* of the first submitter; the other one has one job */
#endif

mtype = { FREE, QUEUED, DONE };

mtype state[2] = FREE;
bool open = true;
bool told;                              /* the closer's condition, which has a lock */
bool through;
byte accepted[2], ended[2], over;

/* An exchange. */
inline step(slot, from, to, hit) {
    atomic { hit = (state[slot] == from); if :: hit -> state[slot] = to :: else fi }
}

inline tell() {
    if
    :: !open -> told = true
    :: open
    fi
}

proctype submitter(byte self; byte n)
{
    bool hit;
    do
    :: n > 0 ->
        n--;
#ifdef BUG_LOOK_FIRST                   /* the gate is looked at before the job can be seen */
        if
        :: open -> state[self] = QUEUED; accepted[self]++; atomic { assert(!through || state[self] == DONE) }
        :: !open
        fi;
#else
        state[self] = QUEUED;
        if
        :: open -> accepted[self]++; atomic { assert(!through || state[self] == DONE) }
        :: !open ->
            step(self, QUEUED, FREE, hit);
            if
            :: hit ->
#ifndef BUG_NOT_TOLD                    /* the closer may have seen the job, and waits for it */
                tell()
#else
                skip
#endif
            :: !hit -> accepted[self]++
            fi
        fi;
#endif
        atomic { state[self] != QUEUED -> state[self] = FREE } /* delivered, and the slot given back */
    :: n == 0 -> break
    od;
    atomic {
        over++;
        assert(ended[self] == accepted[self])
    }
}

/* A worker, or an outsider. */
proctype ender(byte slot)
{
    bool hit, shut;
end:
    do
    :: state[slot] == QUEUED ->
#ifdef BUG_TELL_EARLY                   /* looks at the gate before the job is done */
        shut = !open;
        atomic { step(slot, QUEUED, DONE, hit); ended[slot] = ended[slot] + hit }
        told = told || (hit && shut)
#else
        atomic { step(slot, QUEUED, DONE, hit); ended[slot] = ended[slot] + hit }
        if
        :: hit -> tell()
        :: !hit
        fi
#endif
    od
}

active proctype closer()
{
    byte from;
    open = false;
    do
    :: from < 2 ->
        if
        :: state[from] != QUEUED -> from++
        :: state[from] == QUEUED ->
            /* Under a lock that who tells takes too: this look, and the beginning of the wait. */
            atomic {
                if
                :: state[from] == QUEUED -> told = false
                :: else -> told = true
                fi
            }
            told
        fi
    :: from == 2 -> break
    od;
    through = true
}

init {
    atomic { run submitter(0, JOBS); run submitter(1, 1); run ender(0); run ender(1) }
    over == 2 && through
}
