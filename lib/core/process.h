/* SPDX-License-Identifier: BSD-3-Clause */
/* What is true of the whole process: has it forked, is it exiting, which databases are open, and each thread's own
 * contexts. */
#ifndef ADB_CORE_PROCESS_H
#define ADB_CORE_PROCESS_H

#include "base/list.h"
#include "base/ref.h"

#include <asyncdb/context.h>

#include <stdbool.h>

extern struct adb__counter adb__process_number;

/* Before the first handle: notice forks, and exit. */
void adb__process_begin(void);

/* Grows with each fork, in the child. A handle made under another number is a parent's. */
static inline unsigned adb__process_generation(void)
{
    return (unsigned)adb__counter_get(&adb__process_number);
}

/* The list of databases, for the exit hook. */
void adb__process_add(struct adb__list *link);
void adb__process_remove(struct adb__list *link);

/* Is this thread a worker? Set by each worker for itself. */
void adb__process_enter_worker(void);
bool adb__process_is_worker(void);

/* This thread's list of its own contexts; NULL when there is no memory. */
struct adb__list *adb__process_thread_contexts(void);

#endif
