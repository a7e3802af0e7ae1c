/* SPDX-License-Identifier: BSD-3-Clause */
/* Convoys: durable writes that wait at the same moment are sent together, each a transaction of its own, and wait for
 * the disk once, in the end, for all of them.
 *
 * A job sees nothing of it: it has its own error, a lane's next job is not sent before the one before it is over, and
 * no outcome is delivered before it is durable. From when it is sent until it has been answered a job is RUNNING,
 * several on one connection. A cancel of one may hit another: that one has had no effect then, and runs again by
 * itself. */
#ifndef ADB_CORE_CONVOY_H
#define ADB_CORE_CONVOY_H

#include "core/worker.h"

/* Most jobs that share one flush. */
#define ADB__CONVOY_MAX 64

/* May the first job of the lane's backlog be one of a convoy, and are there perhaps others? */
bool adb__convoy_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job);

/* Run the lane's first jobs, and those of other ready lanes; or leave the lane to the next convoy, when enough are
 * under way. All the lanes, the caller's too, are given back. */
void adb__convoy_run(struct adb__worker *worker, struct adb__lane *lane);

#endif
