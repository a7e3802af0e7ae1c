/* SPDX-License-Identifier: BSD-3-Clause */
/* A flag that threads wait for, and that can be polled once its descriptor was asked for: an eventfd, or a pipe where
 * there is none. Signals coalesce.
 *
 * Until the descriptor was asked for, nobody can be polling it, and it is left alone: a signal is one step on a word,
 * and a system call only when somebody sleeps in adb__notify_wait().
 *
 * To wake a thread costs as much as many a small piece of work. Who expects more than one thing dozes instead of
 * sleeping (adb__notify_doze): for a moment only, at the end of which it looks by itself. A whisper leaves it dozing;
 * whoever has whispered often enough, or is going to do something else, rouses it. Whether anybody does is a matter of
 * speed alone: what was whispered is seen when the moment is over, whatever the whisperer is at. Who sleeps for longer,
 * and who may be polling, hears a whisper as any signal. */
#ifndef ADB_QUEUE_NOTIFY_H
#define ADB_QUEUE_NOTIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ADB__NOTIFY_DOZING UINT32_C(8)

struct adb__notify {
    _Atomic uint32_t word;      /* signalled, somebody sleeps, all who do only doze, somebody may poll */
    int read_fd;                /* readable while signalled, if somebody may poll; -1 when closed */
    int write_fd;               /* the same as read_fd for an eventfd */
};

/* 0, or the errno of the refusal; then it is closed. */
int adb__notify_open(struct adb__notify *notify);
/* Closing twice is harmless. */
void adb__notify_close(struct adb__notify *notify);
/* The descriptor, which follows the flag from now on. Any thread. */
int adb__notify_fd(struct adb__notify *notify);
/* Any thread, signal handlers too; keeps errno. Never blocks. */
void adb__notify_signal(struct adb__notify *notify);
/* The same, but who dozes may doze on. */
void adb__notify_whisper(struct adb__notify *notify);
/* Wake who dozes over a whisper that it has not seen yet. A look at the word when there is none. */
void adb__notify_rouse(struct adb__notify *notify);
/* Look for what the signals announced only after this: a signal that comes meanwhile then stays. */
void adb__notify_clear(struct adb__notify *notify);
/* A glance: what the signal announced is visible. */
static inline bool adb__notify_is_signalled(const struct adb__notify *notify)
{
    /* acquire: pairs with the release in adb__notify_signal() */
    return (atomic_load_explicit(&notify->word, memory_order_acquire) & 1) != 0;
}
/* A glance: may somebody doze? */
static inline bool adb__notify_is_dozing(const struct adb__notify *notify)
{
    return (atomic_load_explicit(&notify->word, memory_order_relaxed) & ADB__NOTIFY_DOZING) != 0;
}
/* Wait until it is signalled, which stays so, or the deadline (base/clock.h). May return early with false. */
bool adb__notify_wait(struct adb__notify *notify, int64_t deadline);
/* The same, and whispers do not end it: for a moment only. False: it was not signalled. */
bool adb__notify_doze(struct adb__notify *notify, int64_t until);

#endif
