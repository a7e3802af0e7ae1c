/* SPDX-License-Identifier: BSD-3-Clause */
/* Sleeping on a word, where the system can: futex(2). Elsewhere ADB__HAVE_FUTEX is 0, and these do not exist. */
#ifndef ADB_QUEUE_FUTEX_H
#define ADB_QUEUE_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* ADB__NO_FUTEX is for the tests. With 32-bit longs the kernel's timespec is another than that of <time.h>. */
#if defined(__linux__) && defined(__LP64__) && !defined(ADB__NO_FUTEX)
#define ADB__HAVE_FUTEX 1
#else
#define ADB__HAVE_FUTEX 0
#endif

#if ADB__HAVE_FUTEX

/* Sleep while the word has this value, until a wake or the deadline (base/clock.h). False: the deadline has passed.
 * True: any other reason, or none. Keeps errno. */
bool adb__futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline);
/* Wake as many who sleep on it. Any thread, signal handlers too; keeps errno. The word may be gone already: then nobody
 * is woken, or somebody who looks anew and sleeps again. */
void adb__futex_wake(_Atomic uint32_t *word, int n);

#endif

#endif
