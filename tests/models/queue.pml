/* SPDX-License-Identifier: BSD-3-Clause */
/* The completion queue, lib/core/completion.c: a mailbox (lib/queue/mailbox.h) and a pollable fd (lib/queue/notify.h).
 *
 * Producers push, and signal when the queue was empty before. The consumer polls and dispatches: it clears the fd, takes
 * all, delivers up to MAX, and signals itself when some are left. It may also dispatch without having polled.
 *
 * Claims: whenever something waits and the consumer polls, the fd is readable, or a producer is about to make it so;
 * all is delivered, each once, that of one producer in order. With EDGE the consumer is told of signals only, as by
 * edge-triggered epoll, and not of a state.
 *
 * Fences: the kernel orders the reads and writes of one fd. A signal that the clear removes came before it, so the push
 * before that signal is seen by the take after the clear. */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef ITEMS
#define ITEMS 3                 /* from each producer */
#endif
#ifndef MAX
#define MAX 1
#endif
#define TOTAL (PRODUCERS * ITEMS)

chan box = [TOTAL] of { byte, byte };    /* producer, number; in the order of arrival, which the reversal restores */
chan taken = [TOTAL] of { byte, byte };  /* and not delivered: the consumer's */
bool readable;
bool edge;                      /* signalled since the poll returned last */

/* Not part of the protocol. */
byte signalling;                /* producers between a push that found it empty and the signal */
bool polling;
byte delivered[PRODUCERS];
byte total;

#ifdef EDGE
#define TOLD edge
#else
#define TOLD readable
#endif

proctype producer(byte me)
{
    byte number;
    do
    :: number < ITEMS ->
        atomic {                        /* adb__mailbox_push() */
            number++;
            if
            :: nempty(box) -> box!me, number; goto next
            :: empty(box) -> box!me, number; signalling++
            fi
        }
        atomic { readable = true; edge = true; signalling-- }
next:
        skip
    :: number == ITEMS -> break
    od
}

inline clear() {
    readable = false
}

/* adb__mailbox_empty() */
inline take() {
    atomic {
        do
        :: box?p, n -> taken!p, n
        :: empty(box) -> break
        od
    }
}

inline deliver() {
    atomic {
        taken?p, n;
        assert(delivered[p] == n - 1);
        delivered[p] = n;
        total++;
        p = 0; n = 0
    }
}

active proctype consumer()
{
    byte p, n, left;
    do
    :: total < TOTAL ->
        if
        :: polling = true;
            atomic { TOLD -> edge = false; polling = false }
        :: skip
        fi;
#ifdef BUG_LATE                 /* a signal between the two is for what was not taken */
        take();
        clear();
#else
        clear();
        take();
#endif
        left = MAX;
        do
        :: left > 0 && nempty(taken) -> left--; deliver()
        :: else -> left = 0; break
        od;
#ifndef BUG_REST
        if
        :: nempty(taken) -> atomic { readable = true; edge = true }
        :: empty(taken)
        fi
#endif
    :: total == TOTAL -> break
    od
}

active proctype monitor()
{
end:
    atomic { polling && !TOLD && signalling == 0 && (nempty(box) || nempty(taken)) -> assert(false) }
}

init
{
    byte i;
    atomic {
        for (i : 0 .. PRODUCERS - 1) {
            run producer(i)
        }
        i = 0
    }
}
