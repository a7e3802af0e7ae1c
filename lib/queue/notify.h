/* SPDX-License-Identifier: BSD-3-Clause */
/* A flag that threads wait for, and that can be polled once its descriptor was asked for: an eventfd, or a pipe where
 * there is none. Signals coalesce.
 *
 * Until the descriptor was asked for, nobody can be polling it, and it is left alone: a signal is one step on a word,
 * and a system call only when somebody sleeps in adb__notify_wait(). */
#ifndef ADB_QUEUE_NOTIFY_H
#define ADB_QUEUE_NOTIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct adb__notify {
    _Atomic uint32_t word;      /* signalled, somebody sleeps, somebody may poll */
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
/* Look for what the signals announced only after this: a signal that comes meanwhile then stays. */
void adb__notify_clear(struct adb__notify *notify);
/* A glance: what the signal announced is visible. */
static inline bool adb__notify_is_signalled(const struct adb__notify *notify)
{
    /* acquire: pairs with the release in adb__notify_signal() */
    return (atomic_load_explicit(&notify->word, memory_order_acquire) & 1) != 0;
}
/* Wait until it is signalled, which stays so, or the deadline (base/clock.h). May return early with false. */
bool adb__notify_wait(struct adb__notify *notify, int64_t deadline);

#endif
