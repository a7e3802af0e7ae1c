/* SPDX-License-Identifier: BSD-3-Clause */
/* The ear of a database: one thread with one connection outside the pool that listens on all channels that anybody
 * wants, tells the listeners, and after a loss connects again and says that there was a gap.
 *
 * It starts with the first listener and goes home a moment after the last one. Close sends it home, or leaves it behind
 * when it is stuck in a client library. */
#ifndef ADB_CORE_EAR_H
#define ADB_CORE_EAR_H

#include "core/listen.h"

/* With no lock held: a new ear, not yet listening. NULL: *error says why. */
struct adb__ear *adb__ear_new(adb_database *db, adb_error *error);
/* One that has no thread, or whose thread was joined. */
void adb__ear_free(struct adb__ear *ear);

/* All that follow: the caller has the lock of db->listening. */

/* 0 or an errno. */
int adb__ear_start(struct adb__ear *ear);
/* Put a listener on its channel. False: no memory for the channel. */
bool adb__ear_add(struct adb__ear *ear, struct adb_listener *listener);
/* It has taken a listener out of its channel, or something else is to be looked at. */
void adb__ear_poke(struct adb__ear *ear);
/* Take a listener out. */
void adb__ear_remove(struct adb__ear *ear, struct adb_listener *listener);
/* All of them end, and the thread goes home. */
void adb__ear_dismiss(struct adb__ear *ear);
bool adb__ear_is_home(const struct adb__ear *ear);
/* Its thread does not come: it frees the ear when it does. */
void adb__ear_leave_behind(struct adb__ear *ear);

/* With no lock: wait for a thread that is home, and free the ear. */
void adb__ear_join(struct adb__ear *ear);

/* For the driver, on the ear's own thread: should the running call end? */
bool adb__ear_should_stop(struct adb__ear *ear);

#endif
