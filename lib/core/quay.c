/* SPDX-License-Identifier: BSD-3-Clause */
/* A few places at sea, and those who wait for the next convoy. */
#include "core/quay.h"

#include <string.h>

/* One or two wait for the disk, while as many have their statements run. */
#define PLACES 4

bool adb__quay_init(struct adb__quay *quay)
{
    quay->n_lanes = 0;
    adb__counter_set(&quay->n_at_sea, 0);
    return pthread_mutex_init(&quay->lock, NULL) == 0;
}

void adb__quay_fini(struct adb__quay *quay)
{
    pthread_mutex_destroy(&quay->lock);
}

bool adb__quay_enter(struct adb__quay *quay, struct adb__lane *lane)
{
    pthread_mutex_lock(&quay->lock);
    const bool goes = adb__counter_get(&quay->n_at_sea) < PLACES || quay->n_lanes == ADB__QUAY_MAX;
    if (goes)
        adb__counter_add(&quay->n_at_sea, 1);
    else
        quay->lanes[quay->n_lanes++] = lane;
    pthread_mutex_unlock(&quay->lock);
    return goes;
}

static size_t take_locked(struct adb__quay *quay, struct adb__lane *lanes_out[ADB__QUAY_MAX])
{
    const size_t n = quay->n_lanes;
    memcpy(lanes_out, quay->lanes, n * sizeof(quay->lanes[0]));
    quay->n_lanes = 0;
    return n;
}

size_t adb__quay_return(struct adb__quay *quay, struct adb__lane *lanes_out[ADB__QUAY_MAX])
{
    pthread_mutex_lock(&quay->lock);
    const size_t n = take_locked(quay, lanes_out);
    if (n == 0)
        adb__counter_add(&quay->n_at_sea, -1);
    pthread_mutex_unlock(&quay->lock);
    return n;
}

size_t adb__quay_quit(struct adb__quay *quay, struct adb__lane *lanes_out[ADB__QUAY_MAX])
{
    pthread_mutex_lock(&quay->lock);
    const size_t n = take_locked(quay, lanes_out);
    adb__counter_add(&quay->n_at_sea, -1);
    pthread_mutex_unlock(&quay->lock);
    return n;
}

size_t adb__quay_at_sea(const struct adb__quay *quay)
{
    return (size_t)adb__counter_get(&quay->n_at_sea);
}

size_t adb__quay_places(void)
{
    return PLACES;
}
