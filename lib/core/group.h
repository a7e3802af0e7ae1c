/* SPDX-License-Identifier: BSD-3-Clause */
/* Group commit: durable writes that wait at the same moment wait for the disk once, for all of them. Where one writes at a
 * time (SQLite) they share one transaction, a savepoint each; where many do (PostgreSQL) each is a transaction of its own,
 * and they share a flush: core/convoy.h.
 *
 * A job sees nothing of it: it has its own error, its outcome is delivered only when it is durable, and when a shared
 * transaction fails as a whole each of its jobs is run again by itself. That is safe because nothing was kept. */
#ifndef ADB_CORE_GROUP_H
#define ADB_CORE_GROUP_H

#include "core/worker.h"

/* Most jobs that share one commit. */
#define ADB__GROUP_MAX 256

/* May the first job of the lane's backlog be in a group, and are there perhaps others? */
bool adb__group_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job);

/* Run the lane's first jobs, and those of other ready lanes, as a group. False: it could not be begun, and nothing has
 * happened. Other lanes are given back; the caller's lane stays the caller's. */
bool adb__group_run(struct adb__worker *worker, struct adb__lane *lane);

#endif
