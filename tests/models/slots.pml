/* SPDX-License-Identifier: BSD-3-Clause */
/* Free numbers, lib/queue/slots.c: two stacks with tagged heads, and what a thread does that finds its own empty.
 *
 *     take                                        give
 *     head of my stack: index on top?             next[index] = what is on top
 *     exchange it for next[index], tag + 1        exchange it for index, tag + 1; else again
 *     none: the same with the other stack
 *     none there: has my head changed since,
 *     or the other? then all over again, else
 *     there is none left
 *
 * As many threads as THREADS, which take and give ROUNDS times each; thread i likes stack i % 2 best. As many numbers as
 * NUMBERS, all on the first stack. A thread may keep its number to the end, so numbers can run out.
 *
 * Claims: a number has one holder at a time, and none is lost; and a thread that is told that none is left was told so of
 * a moment in which all had a holder.
 *
 * Fences: SPIN knows no weaker memory than sequentially consistent. Why acquire and release suffice is said there. */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef NUMBERS
#define NUMBERS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define NONE 15

byte top[2], tag[2];                    /* the heads */
byte below[NUMBERS];                    /* next */
bool held[NUMBERS];
byte n_held, over;
bool none_left[THREADS];                /* since this thread began to take, there was a moment when all were held */

/* From a stack; index is NONE when it was empty, and seen its tag then. */
inline take_from(s, index, seen) {
    do
    :: true ->
        atomic { index = top[s]; seen = tag[s] }
        if
        :: index == NONE -> break
        :: index != NONE ->
            under = below[index];
            atomic {
                if
#ifdef BUG_NO_TAG                       /* the same number on top is taken for the same stack */
                :: top[s] == index ->
#else
                :: top[s] == index && tag[s] == seen ->
#endif
                    top[s] = under;
                    tag[s]++;
                    assert(!held[index]);
                    held[index] = true;
                    n_held++;
                    if
                    :: n_held == NUMBERS -> for (i : 0 .. THREADS - 1) { none_left[i] = true }
                    :: else
                    fi;
                    i = 0;
                    break
                :: else
                fi
            }
        fi
    od
}

inline give_to(s, index) {
    do
    :: true ->
        atomic { under = top[s]; seen[s] = tag[s] }
        below[index] = under;
        atomic {
            if
            :: top[s] == under && tag[s] == seen[s] ->
                top[s] = index;
                tag[s]++;
                held[index] = false;
                n_held--;
                break
            :: else
            fi
        }
    od
}

proctype thread(byte self)
{
    byte mine = self % 2, left = ROUNDS, index, under, i;
    byte seen[2];
    bool changed;
    do
    :: left > 0 ->
        left--;
        atomic { none_left[self] = (n_held == NUMBERS) }
        take_from(mine, index, seen[mine]);
        changed = true;
        do
        :: index == NONE && changed ->
            take_from(1 - mine, index, seen[1 - mine]);
            changed = false;
#ifndef BUG_ONE_LOOK                    /* none here and then none there is taken for none at all */
            if
            :: index == NONE ->
                changed = (tag[0] != seen[0]);
                changed = changed || (tag[1] != seen[1]);
                if
                :: changed -> take_from(mine, index, seen[mine])
                :: else
                fi
            :: else
            fi
#endif
        :: else -> break
        od;
        if
        :: index == NONE -> assert(none_left[self])
        :: index != NONE ->
            if
            :: give_to(mine, index)
            :: left = 0; break          /* kept */
            fi
        fi
    :: left == 0 -> break
    od;
    over++
}

init {
    byte n, i;
    atomic {
        top[0] = 0;
        top[1] = NONE;
        for (i : 0 .. NUMBERS - 1) { below[i] = (i + 1 < NUMBERS -> i + 1 : NONE) }
        for (i : 0 .. THREADS - 1) { run thread(i) }
    }
    over == THREADS;
    /* What nobody holds lies on one of the stacks, once. */
    atomic {
        n = n_held;
        i = top[0];
        do
        :: i != NONE -> assert(!held[i] && n < NUMBERS); n++; i = below[i]
        :: else -> break
        od;
        i = top[1];
        do
        :: i != NONE -> assert(!held[i] && n < NUMBERS); n++; i = below[i]
        :: else -> break
        od;
        assert(n == NUMBERS)
    }
}
