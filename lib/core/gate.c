/* SPDX-License-Identifier: BSD-3-Clause */
/* A counting gate with a line before it. Whoever leaves hands its place to the first in line. */
#include "core/gate.h"

bool adb__gate_init(struct adb__gate *gate)
{
    gate->inside = 0;
    adb__list_init(&gate->waiting);
    return pthread_mutex_init(&gate->lock, NULL) == 0;
}

void adb__gate_fini(struct adb__gate *gate)
{
    pthread_mutex_destroy(&gate->lock);
}

static void gate_let_in_locked(struct adb__gate *gate)
{
    while (gate->inside < ADB__GATE_WIDTH && !adb__list_empty(&gate->waiting)) {
        struct adb__place *first =
            ADB__CONTAINER_OF(adb__list_take_first(&gate->waiting), struct adb__place, link);
        first->inside = true;
        gate->inside++;
        adb__parker_wake(first->parker);
    }
}

void adb__gate_enter(struct adb__gate *gate, struct adb__place *place)
{
    pthread_mutex_lock(&gate->lock);
    place->inside = false;
    adb__list_append(&gate->waiting, &place->link);
    gate_let_in_locked(gate);
    pthread_mutex_unlock(&gate->lock);
}

bool adb__gate_is_inside(struct adb__gate *gate, struct adb__place *place)
{
    pthread_mutex_lock(&gate->lock);
    bool inside = place->inside;
    pthread_mutex_unlock(&gate->lock);
    return inside;
}

void adb__gate_leave(struct adb__gate *gate, struct adb__place *place)
{
    pthread_mutex_lock(&gate->lock);
    gate->inside -= place->inside;
    place->inside = false;
    adb__list_remove(&place->link);
    gate_let_in_locked(gate);
    pthread_mutex_unlock(&gate->lock);
}
