/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocation failure by countdown: the n-th allocation of the library fails, and all after it until disarmed. */
#ifndef ADB_TESTS_FAULT_H
#define ADB_TESTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

void fault_arm(size_t n);       /* 0: the next allocation fails already */
void fault_arm_once(size_t n);  /* only the n-th fails */
bool fault_disarm(void);        /* true when an allocation was refused since fault_arm() */
size_t fault_live_blocks(void); /* blocks given out and not freed, counted since the first fault_arm() or fault_watch() */
size_t fault_allocations(void); /* how often memory was asked for, since then */
void fault_watch(void);         /* count without failing any */

/* Run body with the first, second, … allocation failing, until a run was refused none. */
#define FAULT_EACH(n) for (size_t n = 0, fault_more = 1; fault_more; n++)
#define FAULT_DONE() (fault_more = fault_disarm())

#endif
