/* SPDX-License-Identifier: BSD-3-Clause */
/* The gate of a server: at most so many connect at the same time, the others wait in the order in which they came. So a
 * server that has just come back is not run over by those who have waited for it. */
#ifndef ADB_CORE_GATE_H
#define ADB_CORE_GATE_H

#include "base/list.h"
#include "queue/park.h"

/* Connects under way to one server. */
#define ADB__GATE_WIDTH 2

struct adb__gate {
    pthread_mutex_t lock;           /* all of it, and the places; a parker is woken under it */
    unsigned inside;
    struct adb__list waiting;       /* first come first */
};

/* One that wants to get in. */
struct adb__place {
    struct adb__list link;          /* in gate->waiting; lock */
    struct adb__parker *parker;     /* woken when its turn comes; set by the owner, before anything else */
    bool inside;                    /* lock */
};

bool adb__gate_init(struct adb__gate *gate);
void adb__gate_fini(struct adb__gate *gate);

/* Get in, or in line. */
void adb__gate_enter(struct adb__gate *gate, struct adb__place *place);
/* Has the turn come? */
bool adb__gate_is_inside(struct adb__gate *gate, struct adb__place *place);
/* Get out, or out of line: the next one's turn comes, and it is woken. */
void adb__gate_leave(struct adb__gate *gate, struct adb__place *place);

#endif
