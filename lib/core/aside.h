/* SPDX-License-Identifier: BSD-3-Clause */
/* Where dealers (core/deal.h) stand while as many workers deal as may.
 *
 * Those who deal take turns with what stands here. A dealer comes here only while enough workers deal, and each of
 * these looks here again, or sends on what is left when it deals no more: that is what the lock is for. */
#ifndef ADB_CORE_ASIDE_H
#define ADB_CORE_ASIDE_H

#include "base/ref.h"

#include <pthread.h>
#include <stdbool.h>

struct adb__lane;

struct adb__aside {
    pthread_mutex_t lock;
    unsigned most;                  /* workers that may deal */
    unsigned n_dealing;             /* workers that do; lock */
    struct adb__lane *first, *last; /* attended, by whoever takes them; lock */
    struct adb__counter n_lanes;    /* written under the lock */
    int64_t moved_at;               /* when one who deals has come or taken last; lock */
};

bool adb__aside_init(struct adb__aside *aside, unsigned most);
void adb__aside_fini(struct adb__aside *aside);

/* A worker has got a dealer, and begins to deal. False: enough do; the dealer stays here, and is the caller's no
 * more. */
bool adb__aside_enter(struct adb__aside *aside, struct adb__lane *dealer, int64_t now);
/* One who deals has dealt, and there is more. False: others may deal too; true: enough do, and it stays here. */
bool adb__aside_keep(struct adb__aside *aside, struct adb__lane *dealer, int64_t now);
/* The next one for who deals; NULL: none. */
struct adb__lane *adb__aside_take(struct adb__aside *aside, int64_t now);
/* It deals no more. Returns what is to be sent on, as others may now: a list by next_aside. */
struct adb__lane *adb__aside_leave(struct adb__aside *aside);
/* All that stand here, to be sent on, if none has moved since then. *waits_out: somebody deals, or stands here. */
struct adb__lane *adb__aside_release(struct adb__aside *aside, int64_t since, bool *waits_out);

/* Does anything stand here, about? */
static inline bool adb__aside_any(const struct adb__aside *aside)
{
    return adb__counter_get(&aside->n_lanes) > 0;
}

#endif
