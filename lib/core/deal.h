/* SPDX-License-Identifier: BSD-3-Clause */
/* Parallel contexts. Each of their jobs is a lane of its own, but if these stood in the ready queue one by one, everybody
 * else would stand behind a thousand of them. So they wait in the mailbox of a dealer: a lane that has one place in the
 * ready queue for all of them. Who takes it deals the first job's lane out of it, and puts it back at the end of the queue
 * before that job runs. So a parallel context has its turn like any other, and all workers may run its jobs at once.
 *
 * The dealer goes by the number of its first job, and a job that was dealt by its own: no number is in the ready queue
 * twice. tests/models/deal.pml checks all interleavings. */
#ifndef ADB_CORE_DEAL_H
#define ADB_CORE_DEAL_H

#include "core/lane.h"

/* Give the lane of a parallel context its dealers. False: no memory. */
bool adb__deal_init(struct adb__lane *lane);
void adb__deal_fini(struct adb__lane *lane);

/* The dealer of a job, whose own lane is ready to be dealt from here on. */
struct adb__lane *adb__deal_enter(struct adb__lane *lane, struct adb__job *job);
/* The caller has taken the dealer from the ready queue: the first job's lane, attended by the caller, who holds it. */
struct adb__lane *adb__deal(struct adb__lane *dealer);

#endif
