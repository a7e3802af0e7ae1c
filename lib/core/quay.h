/* SPDX-License-Identifier: BSD-3-Clause */
/* Where lanes with durable writes wait for a convoy (core/convoy.h) while enough of them are under way.
 *
 * The disk serves one flush at a time, so many small convoys get no further than a few large ones, and cost more. A
 * lane that comes when there are enough stays here; whoever comes back from the server takes all that wait along. None
 * lies here while nobody is at sea: that is what the lock is for. */
#ifndef ADB_CORE_QUAY_H
#define ADB_CORE_QUAY_H

#include "base/ref.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* As many as a convoy takes. */
#define ADB__QUAY_MAX 64

struct adb__lane;

struct adb__quay {
    pthread_mutex_t lock;
    struct adb__lane *lanes[ADB__QUAY_MAX]; /* attended, by whoever takes them; lock */
    size_t n_lanes;                         /* lock */
    struct adb__counter n_at_sea;           /* written under the lock */
};

bool adb__quay_init(struct adb__quay *quay);
void adb__quay_fini(struct adb__quay *quay);

/* Go to sea. False: enough are there; the lane stays here, and is the caller's no more. */
bool adb__quay_enter(struct adb__quay *quay, struct adb__lane *lane);
/* Come back, take all that wait, and go to sea again with them; with none, stay. Returns how many. */
size_t adb__quay_return(struct adb__quay *quay, struct adb__lane *lanes_out[ADB__QUAY_MAX]);
/* Be lost at sea: from now on nobody waits for this one. Returns how many have, for the caller to send elsewhere. */
size_t adb__quay_quit(struct adb__quay *quay, struct adb__lane *lanes_out[ADB__QUAY_MAX]);

/* How many are under way, about. */
size_t adb__quay_at_sea(const struct adb__quay *quay);
/* How many may be. */
size_t adb__quay_places(void);

#endif
