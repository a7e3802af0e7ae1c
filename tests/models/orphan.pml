/* SPDX-License-Identifier: BSD-3-Clause */
/* A completion queue that its owner frees while jobs are under way, lib/core/completion.c. The word of an empty inbox says
 * what a push is to do (lib/queue/mailbox.h): IDLE, signal the consumer; ORPHANED, deliver, as no consumer will come. Who
 * delivers holds the gate; who finds it held leaves the mail to the holder, which looks again when it has left.
 *
 * Producers push while a consumer dispatches once, and the owner, which is another thread or was called by that one, frees
 * the queue.
 *
 * Claims: all is delivered, each once, and two never deliver at a time.
 *
 * Fences: the flag is written before the owner tries the gate, which is a lock, and read after the consumer has left it:
 * either the owner got in, or the consumer sees the flag. All else is in the one word. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef ITEMS
#define ITEMS 2                         /* from each producer */
#endif
#define TOTAL (PRODUCERS * ITEMS)

mtype = { IDLE, ORPHANED };

mtype empty_word = IDLE;                /* the word when nothing waits */
byte waiting;                           /* mail in the inbox */
bool orphaned;
bool held;                              /* the gate */

/* Not part of the protocol. */
byte delivered;
byte inside;
byte over;

/* The consumer: adb__queue_collect(), and all callbacks. */
inline collect() {
#ifdef BUG_IDLE                         /* the next push finds a queue that somebody seems to look after */
    word = IDLE;
#else
    atomic { if :: orphaned -> word = ORPHANED :: !orphaned -> word = IDLE fi }
#endif
    atomic { taken = waiting; waiting = 0; empty_word = word; inside++; assert(inside == 1) }
    atomic { delivered = delivered + taken; taken = 0; inside-- }
}

/* queue_drain_orphan() */
inline drain() {
    do
    :: true ->
        atomic { mine = !held; held = true }
        if
        :: !mine -> break
        :: mine
        fi;
        collect();
        held = false;
#ifdef BUG_ONCE                         /* what came while the gate was held is nobody's */
        break
#else
        if
        :: waiting > 0
        :: waiting == 0 -> break
        fi
#endif
    od
}

proctype producer()
{
    byte n, taken;
    bool mine;
    mtype found, word;
    do
    :: n < ITEMS ->
        n++;
        atomic {
            if
            :: waiting == 0 -> found = empty_word
            :: waiting > 0 -> found = 0
            fi;
            waiting++
        }
        if
        :: found == ORPHANED -> drain()
        :: found != ORPHANED            /* signalled, or there is somebody before who has */
        fi
    :: n == ITEMS -> break
    od;
    over++
}

/* adb_queue_dispatch(), once, or not at all. */
proctype consumer()
{
    byte taken;
    bool mine, seen;
    mtype word;
    atomic { mine = !held; held = true }
    if
    :: mine ->
        collect();
#ifdef BUG_EARLY                        /* looks whether it was freed before it lets the owner in */
        seen = orphaned;
        held = false;
#else
        held = false;
        seen = orphaned;
#endif
        if
        :: seen -> drain()
        :: !seen
        fi
    :: !mine
    fi;
    over++
}

/* adb_queue_free() */
proctype owner()
{
    byte taken;
    bool mine;
    mtype word;
    orphaned = true;
    drain();
    over++
}

init {
    byte i;
    atomic {
        for (i : 1 .. PRODUCERS) {
            run producer()
        }
        run consumer();
        run owner()
    }
    over == PRODUCERS + 2;
    assert(delivered == TOTAL)
}
