/* SPDX-License-Identifier: BSD-3-Clause */
/* Closing, lib/core/job.c and lib/core/close.c: the gate, the words of the slots, and a closer that waits until no job is
 * on its way. Nobody counts the jobs that are: the closer looks through the slots, and never comes back to one that it has
 * found free or done.
 *
 *     submitter                   worker, outsider            closer
 *     due = true                  QUEUED -> DONE              gate = shut
 *     state = QUEUED              gate shut?  tell            for each slot: wait while it is QUEUED
 *     gate open?  go on                                       wait while any slot is due, or a callback without one runs
 *     else QUEUED -> FREE, due = false, tell
 *     ...
 *     callback; due = false; gate shut?  tell; DONE -> FREE
 *
 * Two submitters with a slot each, one of whom takes its outcomes at once, while the other's wait until the closer is
 * through with the jobs, and delivers them. Who ends a job may be the worker or, to the submitter's surprise, an outsider.
 * A callback may have to give up its slot while it runs.
 *
 * Claims: once the closer is through, no job is on its way any more and no callback runs, nor will one; and it gets
 * through: it is told of whatever it waits for. Each job that its submitter takes for accepted is ended once, a refused
 * one never.
 *
 * Fences: what one side writes comes before what it reads of the other's: sequentially consistent, all of it. */
#ifndef JOBS
#define JOBS 3                          /* of the first submitter; the other one has one job */
#endif

mtype = { FREE, QUEUED, DONE };

mtype state[2] = FREE;
bool open = true;
bool due[2];                            /* accepted_at: the callback is still to return */
byte slotless;                          /* callbacks that run and have given up their slot */
bool locked, told;                      /* the closer's condition, and its lock */
bool drained, through;                  /* no job is on its way; nor any outcome */
byte accepted[2], ended[2], over;
bool owed[2];                           /* accepted at an open gate, and the callback is to run, or runs */

/* An exchange. */
inline step(slot, from, to, hit) {
    atomic { hit = (state[slot] == from); if :: hit -> state[slot] = to :: else fi }
}

inline tell() {
    if
    :: !open -> atomic { !locked -> told = true }
    :: open
    fi
}

/* The outcome: its callback runs, and returns. */
inline deliver(self) {
    atomic { state[self] == DONE && (self == 0 || drained); assert(!through || !owed[self]) }
    if
    :: true -> /* as a rule */
#ifdef BUG_RETURN_EARLY                 /* the callback still runs */
        due[self] = false;
        owed[self] = false;
        tell()
#elif defined(BUG_RETURN_UNTOLD)        /* the gate is looked at before */
        owed[self] = false;
        if
        :: open -> due[self] = false
        :: !open -> due[self] = false; tell()
        fi
#else
        owed[self] = false;
        due[self] = false;
        tell()
#endif
        ;
        state[self] = FREE
    :: true -> /* it has submitted more than there was room for, and gives up its slot */
#ifdef BUG_SLOTLESS_LATE                /* for a moment nobody knows of it */
        due[self] = false;
        slotless++;
#else
        slotless++;
        due[self] = false;
#endif
        state[self] = FREE;
        owed[self] = false;
        slotless--;
        tell()
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
        :: open -> due[self] = true; state[self] = QUEUED; owed[self] = true; accepted[self]++; deliver(self)
        :: !open
        fi;
#else
        due[self] = true;
        state[self] = QUEUED;
        if
        :: open -> owed[self] = true; accepted[self]++; deliver(self)
        :: !open ->
            step(self, QUEUED, FREE, hit);
            if
            :: hit ->
                due[self] = false;
#ifndef BUG_NOT_TOLD                    /* the closer may have seen the job, and waits for it */
                tell()
#else
                skip
#endif
            :: !hit -> accepted[self]++; deliver(self)
            fi
        fi;
#endif
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
    bool look;
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
    drained = true;
    do
    :: true ->
        atomic { !locked -> locked = true };
        look = due[0];
        look = look || due[1];
        look = look || slotless > 0;
        if
        :: look -> atomic { told = false; locked = false }; told
        :: !look -> locked = false; break
        fi
    od;
    atomic { through = true; assert(!owed[0] && !owed[1]) }
}

init {
    atomic { run submitter(0, JOBS); run submitter(1, 1); run ender(0); run ender(1) }
    over == 2 && through
}
