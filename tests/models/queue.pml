/* SPDX-License-Identifier: BSD-3-Clause */
/* The completion queue, lib/core/completion.c: a mailbox (lib/queue/mailbox.h) and a flag (lib/queue/notify.h), which is a
 * word that a waiter can sleep on, and a pollable fd that follows the word from when it was asked for.
 *
 * Producers push, and signal when the queue was empty before. The consumer waits and dispatches: it clears the flag, takes
 * all, delivers up to MAX, and signals itself when some are left. It may also dispatch without having waited. It waits on
 * the word; or, once it has asked for the fd, which it may do at any time, by polling that.
 *
 * Claims: whenever something waits and the consumer polls, the fd is readable, and when it sleeps on the word it is woken,
 * or a producer is about to do so; all is delivered, each once, that of one producer in order; what makes the fd readable
 * is taken away by the next clear, or a poller would never rest. With EDGE the consumer is told of signals only, as by
 * edge-triggered epoll, and not of a state.
 *
 * Fences: each step on the word is one read-modify-write, and the kernel compares it under its own lock before a sleep. The
 * kernel orders the reads and writes of one fd. A signal that the clear removes, from word or fd, came before it, so the
 * push before that signal (release) is seen by the take after the clear (acquire). */
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
bool signalled;                 /* the word */
bool asleep;
bool watched;
bool in_kernel;                 /* the consumer sleeps on the word */
bool readable;                  /* the fd */
bool edge;                      /* written since the poll returned last */

/* Not part of the protocol. */
byte signalling;                /* producers between a push that found it empty and the end of the signal */
bool polling;
byte delivered[PRODUCERS];
byte total;

#ifdef EDGE
#define TOLD edge
#else
#define TOLD readable
#endif

/* adb__notify_signal() */
inline signal() {
    atomic {
        was_asleep = asleep;
        was_watched = watched;
        signalled = true;
        asleep = false
    }
    if
    :: was_asleep -> in_kernel = false  /* adb__futex_wake() */
    :: !was_asleep
    fi;
    atomic {
        if
        :: was_watched -> readable = true; edge = true
        :: !was_watched
        fi;
        was_asleep = false;
        was_watched = false
    }
}

proctype producer(byte me)
{
    byte number;
    bool was_asleep, was_watched;
    do
    :: number < ITEMS ->
        atomic {                        /* adb__mailbox_push() */
            number++;
            if
            :: nempty(box) -> box!me, number; goto next
            :: empty(box) -> box!me, number; signalling++
            fi
        }
        signal();
        signalling--;
next:
        skip
    :: number == ITEMS -> break
    od
}

/* adb__notify_fd() */
inline ask_for_fd() {
    atomic { was_watched = signalled && !watched; watched = true }
    atomic {
#ifndef BUG_FD                  /* nobody looks whether the signal has come before */
        if
        :: was_watched -> readable = true; edge = true
        :: !was_watched
        fi;
#endif
        was_watched = false
    }
}

/* adb__notify_wait(): asleep is announced, and then the kernel compares the word. The deadline may pass, or a signal
 * handler run. */
inline sleep() {
    atomic {
        if
        :: signalled -> goto awake
        :: !signalled ->
#ifndef BUG_UNSEEN
            asleep = true
#endif
        fi
    }
    atomic {
        if
#if defined(BUG_UNSEEN)
        :: signalled -> goto awake
        :: !signalled -> in_kernel = true
#elif defined(BUG_COMPARE)
        :: in_kernel = true
#else
        :: signalled || !asleep -> goto awake
        :: !signalled && asleep -> in_kernel = true
#endif
        fi
    }
    if
    :: !in_kernel
    :: in_kernel = false
    fi;
awake:
    skip
}

/* adb__notify_clear() */
inline clear() {
    atomic { was_asleep = signalled; signalled = false; was_watched = watched }
#ifdef BUG_READ                 /* the fd of a signal whose word was cleared before it wrote */
    was_watched = was_watched && was_asleep;
#endif
    atomic {
        if
        :: was_watched -> readable = false
        :: !was_watched
        fi;
        was_asleep = false;
        was_watched = false;
        assert(signalling > 0 || nempty(box) || !readable)
    }
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
    bool was_asleep, was_watched;
again:
    do
    :: total < TOTAL ->
        if
        :: watched ->
            polling = true;
            atomic { TOLD -> edge = false; polling = false }
        :: !watched -> ask_for_fd(); goto again
        :: sleep()
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
        :: nempty(taken) -> signal()
        :: empty(taken)
        fi
#endif
    :: total == TOTAL -> break
    od
}

active proctype monitor()
{
end:
    atomic {
        (polling && !TOLD || in_kernel) && signalling == 0 && (nempty(box) || nempty(taken)) -> assert(false)
    }
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
