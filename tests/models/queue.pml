/* SPDX-License-Identifier: BSD-3-Clause */
/* The completion queue, lib/core/completion.c: a mailbox (lib/queue/mailbox.h) and a flag (lib/queue/notify.h), which is a
 * word that a waiter can sleep on, and a pollable fd that follows the word from when it was asked for.
 *
 * Producers push, and signal when the queue was empty before. The consumer waits and dispatches: it clears the flag, takes
 * all, delivers up to MAX, and signals itself when some are left. It may also dispatch without having waited. It waits on
 * the word; or, once it has asked for the fd, which it may do at any time, by polling that. Before it sleeps on the word it
 * may doze there for a moment. A producer may whisper instead of signalling, and rouse who dozes afterwards, or not. With
 * OTHER there is a second thread that waits, and takes nothing.
 *
 * Claims: whenever something waits and the consumer polls, the fd is readable, and when it sleeps on the word it is woken,
 * or a producer is about to do so, and when it dozes either that or it was whispered; all is delivered, each once, that of
 * one producer in order; what makes the fd readable
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
bool dozing;
bool watched;
bool in_kernel;                 /* the consumer sleeps on the word */
bool in_doze;                   /* or is to wake by itself */
bool other_in_kernel;
bool other_in_doze;
bool readable;                  /* the fd */
bool edge;                      /* written since the poll returned last */

/* Not part of the protocol. */
byte signalling;                /* producers between a push that found it empty and the end of the signal */
bool polling;
bool working;                   /* the consumer dispatches */
bool whispered;                 /* and nobody has looked since */
byte delivered[PRODUCERS];
byte total;

#ifdef BUG_BESIDE               /* who goes to sleep beside one who dozes, leaves it at that */
#define STIRRED false
#else
#define STIRRED dozing
#endif

#ifdef EDGE
#define TOLD edge
#else
#define TOLD readable
#endif

/* adb__futex_wake() */
inline wake() {
    atomic {
        if
        :: was_asleep -> in_kernel = false; other_in_kernel = false
        :: !was_asleep
        fi
    }
}

/* adb__notify_signal() */
inline signal() {
    atomic {
        was_asleep = asleep;
        was_watched = watched;
        signalled = true;
        asleep = false;
        dozing = false
    }
    wake();
    atomic {
        if
        :: was_watched -> readable = true; edge = true
        :: !was_watched
        fi;
        was_asleep = false;
        was_watched = false
    }
}

/* The word of adb__notify_whisper(): was_asleep says that it was none, and a signal is due. */
inline whisper() {
    atomic {
#if defined(BUG_WHISPER)        /* to who sleeps for long */
        was_asleep = watched;
#elif defined(BUG_POLLED)       /* to who polls */
        was_asleep = !dozing;
#else
        was_asleep = !dozing || watched;
#endif
        if
        :: !was_asleep -> signalled = true; whispered = true
        :: was_asleep
        fi
    }
}

/* adb__notify_rouse() */
inline rouse() {
    atomic {
        was_asleep = dozing && signalled;
        if
        :: was_asleep -> asleep = false; dozing = false
        :: !was_asleep
        fi
    }
    wake();
    was_asleep = false
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
            :: nempty(box) -> box!me, number; goto rest
            :: empty(box) -> box!me, number; signalling++
            fi
        }
        if
        :: true -> was_asleep = true
        :: whisper()
        fi;
        if
        :: was_asleep -> signal()
        :: !was_asleep
        fi;
        signalling--;
rest:
        if
        :: rouse()
        :: skip
        fi
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
            asleep = true;
#endif
#ifndef BUG_BESIDE
            dozing = false
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
        :: signalled || !asleep || STIRRED -> goto awake
        :: !signalled && asleep && !STIRRED -> in_kernel = true
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

/* adb__notify_doze(): beside who sleeps, as that one does, but for the timer. */
inline doze(mine, mine_dozes) {
    atomic {
        if
        :: signalled -> goto rested
        :: !signalled && asleep -> was_asleep = dozing
        :: !signalled && !asleep -> asleep = true; dozing = true; was_asleep = true
        fi
    }
    atomic {
        if
        :: signalled || !asleep || dozing != was_asleep -> goto rested
        :: !signalled && asleep && dozing == was_asleep -> mine = true; mine_dozes = true
        fi
    }
    atomic {
        if
        :: !mine
        :: mine = false         /* the time is up */
        fi;
        mine_dozes = false
    }
rested:
    atomic {
        if
#ifdef BUG_REGARDLESS           /* of who sleeps on */
        :: true -> asleep = false; dozing = false
#else
        :: dozing -> asleep = false; dozing = false
        :: !dozing
#endif
        fi;
        was_asleep = false
    }
}

/* adb__notify_clear() */
inline clear() {
    atomic { was_asleep = signalled; signalled = false; was_watched = watched; whispered = false }
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
        :: doze(in_kernel, in_doze)
        :: skip
        fi;
        working = true;
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
        fi;
#endif
        working = false
    :: total == TOTAL -> break
    od
}

#ifdef OTHER
/* As the consumer, without a place in the kernel of the same name. */
inline other_sleep() {
    atomic {
        if
        :: signalled -> goto up
        :: !signalled -> asleep = true;
#ifndef BUG_BESIDE
            dozing = false
#endif
        fi
    }
    atomic {
        if
        :: signalled || !asleep || STIRRED -> goto up
        :: !signalled && asleep && !STIRRED -> other_in_kernel = true
        fi
    }
    if
    :: !other_in_kernel
    :: other_in_kernel = false
    fi;
up:
    skip
}

active proctype other()
{
    byte n;
    bool was_asleep;
    for (n : 1 .. OTHER) {
        if
        :: other_sleep()
        :: doze(other_in_kernel, other_in_doze)
        fi
    }
}

#define DEAF (other_in_kernel && !other_in_doze && !working)
#else
#define DEAF (in_doze && in_kernel && !whispered)
#endif

active proctype monitor()
{
end:
    atomic {
        (polling && !TOLD || in_kernel && !in_doze || DEAF) && signalling == 0 && (nempty(box) || nempty(taken)) ->
            assert(false)
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
