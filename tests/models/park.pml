/* SPDX-License-Identifier: BSD-3-Clause */
/* The park, lib/queue/park.c, and the loop of its workers, which lib/queue/park.h gives.
 *
 * Producers push and call. Workers pop, search, rove, announce, look again, withdraw or sleep. Sleepers may time out and
 * may be woken by name at any time. An item that was popped may run for ever, also one that a rover took for quick.
 *
 * A worker may sit out, whatever there is to do, where another one roves, or where it leaves the place of a rover
 * vacant and watches itself.
 *
 * With ENOUGH a worker that has found an item may stay while it runs that, which is soon over, or it strays; nobody calls
 * while so many stay.
 *
 * Claims: an item never waits while a worker sleeps, unless somebody is on the way: awake and not running an item, or
 * woken, or still calling, or watching a rover, which is to sleep with a timer; whenever somebody roves, somebody
 * watches; exactly as many workers search, rove, or will find that they have been called, as the word says. One who
 * watches goes on sleeping only for a step that the rover has made since, or when nobody roves.
 *
 * What is one step: a section under the lock, as it writes the word once and the rest is read under the lock only; a
 * push; a pop; a look at the word. Memory is sequentially consistent here. In C, two places need care for that, as a
 * write is followed by a read of another word: push, then the word (adb__park_call_pushed), which are seq_cst
 * themselves; the word, then the queue (adb__park_announce, adb__park_found), with a seq_cst fence in between. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef ITEMS
#define ITEMS 2                 /* from each producer */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif

#ifndef ENOUGH
#define ENOUGH 255
#endif

byte items;                     /* in the ready queue */
byte staying;
bool stays[WORKERS];            /* what the worker believes */

/* The park. A call takes any of the sleepers; the code takes the last, which is one of them. */
byte searching;
byte sleeping;
bool listed[WORKERS];
bool searched[WORKERS];         /* before it announced */
bool token[WORKERS];
bool searcher[WORKERS];         /* what the worker believes */
bool roves[WORKERS];            /* the same */
#define NOBODY WORKERS
#define NEXT_ONE (WORKERS + 1)  /* the place is left to whoever comes next */
byte rover = NOBODY;
byte watcher = NOBODY;
bool step;                      /* of the rover, since who watches looked last */
bool in_vain[WORKERS];          /* called, and has found nothing yet */

/* Not part of the protocol. */
bool announced[WORKERS];        /* and neither withdrawn nor back from sleep */
bool settled[WORKERS];          /* runs an item, or sleeps */
byte calling;                   /* between a push and the end of its call, or in a call by a worker */

/* park_unlist_locked(). Who ceases to watch takes the search of the rover over. */
inline unlist(x) {
    listed[x] = false;
    sleeping--;
    if
    :: watcher == x ->
        watcher = NOBODY;
#ifndef BUG_UNWATCHED
        took = rover != NOBODY;
        rover = NOBODY
#endif
    :: watcher != x
    fi
}

/* adb__park_call_pushed() */
inline call() {
    if
    :: searching == 0 && sleeping > 0
    :: !(searching == 0 && sleeping > 0) -> goto called
    fi;
    if
    :: staying < ENOUGH
    :: staying >= ENOUGH -> goto called
    fi;
    atomic {
        if
        :: searching == 0 && listed[0] -> w = 0
        :: searching == 0 && listed[1] -> w = 1
#if WORKERS > 2
        :: searching == 0 && listed[2] -> w = 2
#endif
        :: searching > 0 || sleeping == 0 -> goto called
        fi;
        unlist(w);
        assert(!took);                  /* as nobody searches, nobody roves */
        searching++
    }
    atomic { token[w] = true; w = 0 }
called:
    calling--
}

proctype producer()
{
    byte w, i;
    bool took;
    do
    :: atomic { i < ITEMS -> i++; items++; calling++ }
        call()
    :: i == ITEMS -> break
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

#ifndef BUG_NO_TIMER
#define WATCHES(w) (watcher == w && rover != NOBODY)
#else
#define WATCHES(w) false
#endif
#define SETTLED(w) \
    (w >= WORKERS || settled[w % WORKERS] && !WATCHES(w) && !(announced[w % WORKERS] && token[w % WORKERS]))
#define SEARCHES(w) (w < WORKERS && (searcher[w % WORKERS] || announced[w % WORKERS] && !listed[w % WORKERS]))

active proctype monitor()
{
end:
    atomic {
        calling == 0 && SETTLED(0) && SETTLED(1) && SETTLED(2) && (items > 0 && sleeping > 0 || searching > 0) ||
        rover != NOBODY && watcher == NOBODY ||
        searching != SEARCHES(0) + SEARCHES(1) + SEARCHES(2) + (rover != NOBODY) ->
        assert(false)
    }
}

/* park_may_spare() */
#define MAY_SPARE (rover != NEXT_ONE && (rover != NOBODY || searching == 0 && watcher == NOBODY))

/* adb__park_settle() */
inline settle() {
    atomic {
        roves[me] = false;
        if
#ifndef BUG_BELIEVE                     /* that nobody has taken the search over */
        :: rover == me -> rover = NOBODY; searcher[me] = true
        :: rover != me
#else
        :: rover = NOBODY; searcher[me] = true
#endif
        fi
    }
}

inline pop() {
    atomic {
        if
        :: items > 0 -> items--; goto found
        :: items == 0
        fi
    }
}

/* adb__park_stray() */
inline stray() {
    atomic { staying--; stays[me] = false }
}

proctype worker(byte me)
{
    byte w;
    bool woken, took, got;
again:
    atomic {                            /* adb__park_sit_out(), or not */
        if
        :: !searcher[me] && !roves[me] && !stays[me] && MAY_SPARE ->
            listed[me] = true;
            announced[me] = true;
            sleeping++;
#ifndef BUG_NOBODY_LEFT
            if
            :: rover == NOBODY -> searching++; rover = NEXT_ONE; watcher = me; step = false
            :: rover != NOBODY
            fi;
#endif
            goto sleep
        :: true
        fi
    }
    atomic {
        if
        :: items > 0 -> items--; got = true
        :: items == 0
        fi
    }
    if
    :: roves[me] && got ->              /* and it still seems quick: adb__park_step() */
        atomic { step = true; got = false; goto work }
    :: roves[me] -> settle()
    :: !roves[me]
    fi;
    if
    :: got -> got = false; goto found
    :: !got && stays[me] -> stray()
    :: !got && !stays[me]
    fi;
    atomic {                            /* adb__park_search() */
        if
        :: searcher[me]
        :: !searcher[me] && searching == 0 -> searching++; searcher[me] = true
        :: !searcher[me] && rover == NEXT_ONE -> rover = NOBODY; searcher[me] = true
        :: !searcher[me] && searching > 0 && rover != NEXT_ONE -> goto announce
        fi
    }
    pop();                              /* pop_spinning() */
announce:
    atomic {                            /* adb__park_announce() */
        listed[me] = true;
        announced[me] = true;
        sleeping++;
        if
        :: in_vain[me] && watcher == NOBODY -> watcher = me; step = false
        :: !in_vain[me] || watcher != NOBODY
        fi;
        searched[me] = searcher[me];
        searching = searching - searcher[me];
        searcher[me] = false
    }
#ifndef BUG_NO_LOOK
    atomic {
        if
        :: items > 0 -> items--
        :: items == 0 -> goto sleep
        fi
    }
    atomic {                            /* adb__park_withdraw() */
        if
        :: listed[me] ->
            unlist(me);
#ifndef BUG_FORGET                      /* that calls may have relied on its search */
            searcher[me] = searched[me] || took;
            searching = searching + (searched[me] && !took);
#endif
            took = false
        :: !listed[me] -> searcher[me] = true
        fi;
        announced[me] = false;
        searched[me] = false;
        goto found
    }
#endif
sleep:
    settled[me] = true;
    atomic {
        if
        :: token[me] -> token[me] = false; woken = true
        :: !token[me]                   /* the deadline */
        fi;
        settled[me] = false
    }
    atomic {
        if
        :: watcher == me && !woken && (step || rover == NOBODY) ->  /* the timer */
            if
            :: step -> step = false
            :: !step -> watcher = NOBODY
            fi;
            goto sleep
        :: watcher == me && !woken && !step && rover != NOBODY && sleeping > 1 ->   /* park_replace_locked() */
            if
            :: me != 0 && listed[0] -> w = 0
            :: me != 1 && listed[1] -> w = 1
#if WORKERS > 2
            :: me != 2 && listed[2] -> w = 2
#endif
            fi;
            unlist(w);
            rover = NOBODY;
            token[w] = true;
            w = 0;
            goto sleep
        :: listed[me] -> unlist(me); searcher[me] = took; in_vain[me] = took
#ifndef BUG_LOSE_SEARCH
        :: !listed[me] -> searcher[me] = true; in_vain[me] = true
#else                                   /* believes the parker, not the list */
        :: !listed[me] -> searcher[me] = woken
#endif
        fi;
        took = false;
        announced[me] = false;
        searched[me] = false;
        woken = false;
        goto again
    }
found:
    in_vain[me] = false;
    if
    :: true ->                          /* it seems quick, whether more waits or not: adb__park_rove() */
        atomic {
            if
            /* with another rover its search would be nobody's; it takes three workers to get there */
            :: watcher != NOBODY && rover == NOBODY && (searcher[me] || searching == 0) ->
                searching = searching + !searcher[me];
                searcher[me] = false;
                roves[me] = true;
                rover = me;
                goto work
            :: rover == NEXT_ONE && !searcher[me] ->
                roves[me] = true;
                rover = me;
                goto work
            :: watcher == NOBODY || (rover != NOBODY && rover != NEXT_ONE) || (rover == NEXT_ONE && searcher[me]) ||
               (rover == NOBODY && !searcher[me] && searching > 0)
            fi
        }
    :: skip
    fi;
    if
    :: ENOUGH < 255 && !stays[me] -> atomic { staying++; stays[me] = true }
    :: skip
    fi;
    if
    :: searcher[me] ->
        atomic { searching--; searcher[me] = false }        /* adb__park_found() */
#ifndef BUG_NO_NEXT
        if
        :: items > 0 -> calling++; call()
        :: items == 0
        fi
#endif
    :: !searcher[me]
    fi;
work:
    if
    :: stays[me] ->                     /* it is no pipeline, or its timer has run out */
        stray();
#ifndef BUG_SILENT
        if
        :: items > 0 -> calling++; call()
        :: items == 0
        fi
#endif
    :: stays[me] -> goto again          /* it was soon over */
    :: !stays[me]
    fi;
more:
    settled[me] = true;                 /* runs it, perhaps for ever */
    settled[me] = false;
    if
    :: !roves[me] ->                    /* it searches before others can see that it is free: worker_search_early() */
        atomic {
            if
            :: !searcher[me] && searching == 0 -> searching++; searcher[me] = true
            :: !searcher[me] && rover == NEXT_ONE -> rover = NOBODY; searcher[me] = true
            :: searcher[me] || searching > 0 && rover != NEXT_ONE
            fi
        }
    :: true
    fi;
    if
    :: true -> goto again
    :: searcher[me] ->                  /* and is not free after all */
#ifndef BUG_MORE
        atomic { searching--; searcher[me] = false }
        if
        :: items > 0 -> calling++; call()
        :: items == 0
        fi;
#endif
        goto more
    fi
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
