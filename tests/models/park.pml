/* SPDX-License-Identifier: BSD-3-Clause */
/* The park, lib/queue/park.c, and the loop of its workers, which lib/queue/park.h gives.
 *
 * Producers push and call. Workers pop, search, announce, look again, withdraw or sleep. Sleepers may time out and may
 * be woken by name at any time. An item that was popped may run for ever.
 *
 * Claims: an item never waits while a worker sleeps, unless somebody is on the way: awake and not running an item, or
 * woken, or still calling; exactly as many workers search, or will find that they have been called, as the word says.
 *
 * What is one step: a section under the lock, as it writes the word once and the rest is read under the lock only; a
 * push; a pop; a look at the word. Memory is sequentially consistent here. In C, two places need a fence for that, as a
 * write is followed by a read of another word: push, then the word (adb__park_call); the word, then the queue
 * (adb__park_announce, adb__park_found). Both sides have a seq_cst fence in between. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef ITEMS
#define ITEMS 2                 /* from each producer */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef SPIN
#define SPIN 1
#endif

byte items;                     /* in the ready queue */

/* The park. A call takes any of the sleepers; the code takes the last, which is one of them. */
byte searching;
byte sleeping;
bool listed[WORKERS];
bool searched[WORKERS];         /* before it announced */
bool token[WORKERS];
bool searcher[WORKERS];         /* what the worker believes */

/* Not part of the protocol. */
bool announced[WORKERS];        /* and neither withdrawn nor back from sleep */
byte calling;                   /* between a push and the end of its call, or of a call by a worker */
byte settled;                   /* workers that run an item, or that sleep without a token */
bool asleep[WORKERS];

inline wake(w) {
    atomic {
        settled = (asleep[w] && !token[w] -> settled - 1 : settled);
        token[w] = true
    }
}

/* adb__park_call(); ends with calling-- */
inline call() {
    if
    :: searching == 0 && sleeping > 0 ->
        atomic {
            if
            :: searching == 0 && sleeping > 0 ->
                if
                :: listed[0] -> w = 0
                :: listed[1] -> w = 1
#if WORKERS > 2
                :: listed[2] -> w = 2
#endif
                fi;
                listed[w] = false;
                sleeping--;
                searching++
            :: else -> w = WORKERS
            fi
        }
        if
        :: w < WORKERS -> wake(w)
        :: else
        fi
    :: !(searching == 0 && sleeping > 0)
    fi;
    atomic { calling--; w = 0 }
}

proctype producer()
{
    byte w, i;
    do
    :: i < ITEMS ->
        i++;
        atomic { items++; calling++ }
        call()
    :: else -> break
    od
}

/* Anything else that wakes a worker by name. */
active proctype pest()
{
end:
    do
    :: !token[0] -> wake(0)
    :: !token[1] -> wake(1)
    od
}

#define SEARCHES(w) (w < WORKERS && (searcher[w % WORKERS] || announced[w % WORKERS] && !listed[w % WORKERS]))

active proctype monitor()
{
end:
    atomic {
        settled == WORKERS && calling == 0 && (items > 0 && sleeping > 0 || searching > 0) ||
        searching != SEARCHES(0) + SEARCHES(1) + SEARCHES(2) ->
        assert(false)
    }
}

inline pop() {
    atomic {
        if
        :: items > 0 -> items--; found = true
        :: else
        fi
    }
}

/* adb__park_withdraw() */
inline withdraw() {
    atomic {
        if
        :: listed[me] ->
            listed[me] = false;
            sleeping--;
#ifndef BUG_FORGET              /* that it was the searcher: calls may have relied on it */
            searcher[me] = searched[me];
            searching = (searched[me] -> searching + 1 : searching)
#endif
        :: else -> searcher[me] = true
        fi;
        announced[me] = false;
        searched[me] = false
    }
}

proctype worker(byte me)
{
    bool found, woken;
    byte spins, w;
    do
    :: pop();
        if                              /* adb__park_search() */
        :: !found && !searcher[me] ->
            atomic {
                if
                :: searching == 0 -> searching++; searcher[me] = true
                :: else
                fi
            }
        :: else
        fi;
        do
        :: !found && searcher[me] && spins < SPIN -> spins++; pop()
        :: else -> spins = 0; break
        od;
        if
        :: !found ->
            atomic {                    /* adb__park_announce() */
                listed[me] = true;
                announced[me] = true;
                searched[me] = searcher[me];
                sleeping++;
                searching = (searcher[me] -> searching - 1 : searching);
                searcher[me] = false
            }
#ifndef BUG_NO_LOOK
            pop();
#endif
            if
            :: found -> withdraw()
            :: else ->                  /* adb__park_sleep() */
                atomic { asleep[me] = true; settled = (token[me] -> settled : settled + 1) }
                atomic {
                    if
                    :: token[me] -> woken = true
                    :: !token[me] -> woken = false; settled--      /* the deadline */
                    fi;
                    asleep[me] = false;
                    token[me] = false
                }
                atomic {
                    if
                    :: listed[me] -> listed[me] = false; sleeping--
#ifndef BUG_LOSE_SEARCH         /* believes the parker, not the list */
                    :: else -> searcher[me] = true
#else
                    :: else -> searcher[me] = woken
#endif
                    fi;
                    announced[me] = false;
                    searched[me] = false;
                    woken = false
                }
            fi
        :: else
        fi;
        if
        :: found && searcher[me] ->         /* adb__park_found() */
            atomic { searching--; searcher[me] = false }
#ifndef BUG_NO_NEXT
            if
            :: items > 0 -> calling++; call()
            :: items == 0
            fi
#endif
        :: else
        fi;
        if
        :: found ->
            settled++;                  /* runs it, perhaps for ever */
            atomic { settled--; found = false }
        :: else
        fi
    od
}

init
{
    byte i;
    atomic {
        for (i : 0 .. PRODUCERS - 1) {
            run producer()
        }
        for (i : 0 .. WORKERS - 1) {
            run worker(i)
        }
        i = 0
    }
}
