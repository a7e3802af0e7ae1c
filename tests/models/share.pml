/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared snapshots, lib/queue/snapshots.h and share.c: which select may read in which.
 *
 *     submit                      a reader runs it
 *     number = begun              its snapshot is above the job's number and the lane's: read in it
 *     push                        else number the next (begun + 1), take it, read
 *                                 leave the lane: its number = begun
 *
 * A writer commits COMMITS times. Each of LANES submitters submits JOBS selects; it knows of whatever has been committed.
 * READERS attend the lanes, a job at a time, each with a snapshot of its own, which it may end when it pleases.
 *
 * Claims: a select sees every commit that its submitter knew of, and no less than its lane has seen before.
 *
 * So a snapshot is numbered before it is taken (BUG_TAKEN), one with the number that was looked at is too old (BUG_SAME),
 * a lane has a number of its own (BUG_LANE), and gets it after its job has run (BUG_EARLY).
 *
 * Fences: SPIN knows no weaker memory than sequentially consistent. That is what there is; see snapshots.h. */
#ifndef READERS
#define READERS 2
#endif
#ifndef LANES
#define LANES 2
#endif
#ifndef JOBS
#define JOBS 2
#endif
#ifndef COMMITS
#define COMMITS 1
#endif

byte committed;                         /* so many commits can be seen */
byte begun;                             /* snapshots */
byte number_of[LANES];
byte seen_by[LANES];                    /* commits, by its jobs so far */
bool attended[LANES];
chan jobs[LANES] = [JOBS] of { byte, byte }; /* number; commits that the submitter knew of */
byte n_run;

active proctype writer()
{
    do
    :: committed < COMMITS -> committed++
    :: committed == COMMITS -> break
    od
}

proctype submitter(byte l)
{
    byte n, known, number;
    do
    :: n < JOBS ->
        n++;
        known = committed;
        number = begun;
        jobs[l]!number, known
    :: n == JOBS -> break
    od
}

proctype reader()
{
    byte mine, sight;                   /* the number of its snapshot, 0: none; the commits that it sees */
    byte number, known, early, l;
    do
    :: n_run == JOBS * LANES -> break
    :: atomic {
        nempty(jobs[l]) && !attended[l] ->
        attended[l] = true;
        jobs[l]?number, known
       }
#ifdef BUG_EARLY
       early = begun;
#endif
       if
#ifdef BUG_SAME
       :: mine > 0 && mine >= number && mine >= number_of[l]
#else
#ifdef BUG_LANE
       :: mine > number
#else
       :: mine > number && mine > number_of[l]
#endif
#endif
       :: true ->
#ifdef BUG_TAKEN
            sight = committed;
            atomic { begun++; mine = begun }
#else
            atomic { begun++; mine = begun }
            sight = committed
#endif
       fi;
       atomic {
        assert(sight >= known);
        assert(sight >= seen_by[l]);
        seen_by[l] = sight
       }
#ifdef BUG_EARLY
       atomic { number_of[l] = early; attended[l] = false; n_run++ }
#else
       number_of[l] = begun;
       atomic { attended[l] = false; n_run++ }
#endif
    :: n_run < JOBS * LANES -> atomic { l = (l + 1) % LANES } /* another lane */
    od
}

init {
    byte i;
    atomic {
        for (i : 0 .. LANES - 1) { run submitter(i) }
        for (i : 1 .. READERS) { run reader() }
    }
}
