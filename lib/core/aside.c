/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of dealers, and a number of workers. */
#include "core/aside.h"

#include "core/lane.h"

bool adb__aside_init(struct adb__aside *aside, unsigned most)
{
    aside->most = most;
    aside->n_dealing = 0;
    aside->first = aside->last = NULL;
    aside->moved_at = 0;
    adb__counter_set(&aside->n_lanes, 0);
    return pthread_mutex_init(&aside->lock, NULL) == 0;
}

void adb__aside_fini(struct adb__aside *aside)
{
    pthread_mutex_destroy(&aside->lock);
}

static void append_locked(struct adb__aside *aside, struct adb__lane *dealer)
{
    dealer->next_aside = NULL;
    if (aside->first == NULL)
        aside->first = dealer;
    else
        aside->last->next_aside = dealer;
    aside->last = dealer;
    adb__counter_add(&aside->n_lanes, 1);
}

static struct adb__lane *take_locked(struct adb__aside *aside)
{
    struct adb__lane *dealer = aside->first;
    if (dealer == NULL)
        return NULL;
    aside->first = dealer->next_aside;
    dealer->next_aside = NULL;
    adb__counter_add(&aside->n_lanes, -1);
    return dealer;
}

static struct adb__lane *take_all_locked(struct adb__aside *aside)
{
    struct adb__lane *first = aside->first;
    aside->first = NULL;
    adb__counter_set(&aside->n_lanes, 0);
    return first;
}

bool adb__aside_enter(struct adb__aside *aside, struct adb__lane *dealer, int64_t now)
{
    pthread_mutex_lock(&aside->lock);
    const bool deals = aside->n_dealing < aside->most;
    if (deals) {
        aside->n_dealing++;
        aside->moved_at = now;
    } else {
        append_locked(aside, dealer);
    }
    pthread_mutex_unlock(&aside->lock);
    return deals;
}

bool adb__aside_keep(struct adb__aside *aside, struct adb__lane *dealer, int64_t now)
{
    pthread_mutex_lock(&aside->lock);
    const bool stays = aside->n_dealing >= aside->most;
    if (stays) {
        append_locked(aside, dealer);
        aside->moved_at = now;
    }
    pthread_mutex_unlock(&aside->lock);
    return stays;
}

struct adb__lane *adb__aside_take(struct adb__aside *aside, int64_t now)
{
    if (!adb__aside_any(aside))
        return NULL;
    pthread_mutex_lock(&aside->lock);
    struct adb__lane *dealer = take_locked(aside);
    if (dealer != NULL)
        aside->moved_at = now;
    pthread_mutex_unlock(&aside->lock);
    return dealer;
}

struct adb__lane *adb__aside_leave(struct adb__aside *aside)
{
    pthread_mutex_lock(&aside->lock);
    aside->n_dealing--;
    struct adb__lane *dealers = aside->n_dealing == 0 ? take_all_locked(aside) : take_locked(aside);
    pthread_mutex_unlock(&aside->lock);
    return dealers;
}

struct adb__lane *adb__aside_release(struct adb__aside *aside, int64_t since, bool *waits_out)
{
    pthread_mutex_lock(&aside->lock);
    *waits_out = aside->n_dealing > 0 || aside->first != NULL;
    struct adb__lane *dealers = aside->moved_at <= since ? take_all_locked(aside) : NULL;
    pthread_mutex_unlock(&aside->lock);
    return dealers;
}
