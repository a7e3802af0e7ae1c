/* SPDX-License-Identifier: BSD-3-Clause */
/* Parallel contexts. Each of their jobs is a lane of its own, but if these stood in the ready queue one by one,
 * everybody else would stand behind a thousand of them. So they wait in the mailbox of a dealer: a lane that has one
 * place in the ready queue for all of them. Who takes it deals the first job's lane out of it, and puts it back at the
 * end of the queue before that job runs. So a parallel context has its turn like any other, and all workers may run its
 * jobs at once.
 *
 * While others are about, one worker is left to them: a statement of theirs does not wait until one of the flood is
 * over, nor does it share a processor with more of those than could run well. So a dealer that enough workers deal from
 * already is not in the ready queue but stands aside (core/aside.h), for those who deal. When nobody else has come for
 * a while, or those who deal are all at long statements, all workers may.
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
/* The caller has taken the dealer from where it stood: the first job's lane, attended by the caller, who holds it.
 * NULL: enough workers deal, and it stands aside. No worker: who closes. */
struct adb__lane *adb__deal(struct adb__worker *worker, struct adb__lane *dealer);
/* Make ready what a pool of so many workers needs for dealers; adb__aside_fini() ends it. False: the system refused. */
bool adb__deal_open(struct adb__pool *pool, unsigned n_workers);
/* The worker runs nothing that was dealt to it any more. */
void adb__deal_stop(struct adb__worker *worker);
/* It has taken another lane. */
void adb__deal_mind(const struct adb__worker *worker, const struct adb__lane *lane);
/* The watchdog's: others have not come again, or those who deal take long. Returns when to look again. */
int64_t adb__deal_watch(struct adb__pool *pool, int64_t now);
/* Who closes: nothing stands aside from here on. */
void adb__deal_release(struct adb__pool *pool);

#endif
