/* SPDX-License-Identifier: BSD-3-Clause */
/* Group commit: durable writes that wait at the same moment share one transaction, a savepoint each. That is right
 * where one writes at a time; where many do, core/convoy.h.
 *
 * A job sees nothing of it: it has its own error, its outcome is delivered only after the commit, and when the shared
 * transaction fails as a whole each of its jobs is run again by itself. That is safe because nothing was kept. */
#ifndef ADB_CORE_GROUP_H
#define ADB_CORE_GROUP_H

#include "core/worker.h"

/* Most jobs that share one commit. */
#define ADB__GROUP_MAX 256

/* May writes on this connection wait for the disk together, one way or the other? */
bool adb__group_is_allowed(const struct adb__worker *worker);
/* It was tried, and they could not: not for a while. */
void adb__group_pause(struct adb__worker *worker);

/* May the first job of the lane's backlog share a commit, and is there anything to share it with? */
bool adb__group_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job);

/* Run the lane's first jobs, and those of other ready lanes, under one commit. False: no transaction could be begun,
 * and nothing has happened. Other lanes are given back; the caller's lane stays the caller's. */
bool adb__group_run(struct adb__worker *worker, struct adb__lane *lane);

#endif
