/* SPDX-License-Identifier: BSD-3-Clause */
/* Where one thread sleeps until another wakes it. A wake that comes first is kept; several are one. */
#ifndef ADB_QUEUE_PARKER_H
#define ADB_QUEUE_PARKER_H

#include "queue/futex.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Lives as long as anybody may wake it: a wake touches it even after the sleeper has gone on. */
struct adb__parker {
#if ADB__HAVE_FUTEX
    _Atomic uint32_t word;      /* nothing, a wake that was not used yet, or its thread sleeps */
#else
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool token;                 /* a wake that was not used yet; lock */
#endif
};

/* False: the system refused. */
bool adb__parker_init(struct adb__parker *parker);
void adb__parker_fini(struct adb__parker *parker);
/* Sleep until a wake or the deadline (base/clock.h). True: woken, and the token is used up. The wake may be an old one,
 * meant for something else: look again. What the waker wrote before is visible. */
bool adb__parker_wait(struct adb__parker *parker, int64_t deadline);
/* Any thread; not from a signal handler. */
void adb__parker_wake(struct adb__parker *parker);

#endif
