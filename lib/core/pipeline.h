/* SPDX-License-Identifier: BSD-3-Clause */
/* Pipelines: reads that wait at the same moment are sent together, and answered one by one.
 *
 * A job sees nothing of it. Each is a transaction of its own, with an error of its own. Until its answer is the next to
 * be read it stays QUEUED, so that a cancel, a deadline or a close ends it at once, as if it had not been sent: it only
 * reads, and nobody will know. For the same reason it may be run again when a cancel that was meant for the job before
 * has hit it, or when that one takes so long that other workers had better have the rest. */
#ifndef ADB_CORE_PIPELINE_H
#define ADB_CORE_PIPELINE_H

#include "core/worker.h"

/* Most jobs that are sent together. */
#define ADB__PIPELINE_MAX 32

/* May the first job of the lane's backlog be sent with others, and are there any? */
bool adb__pipeline_suits(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job);

/* Is the server so near, and were the last answers so quick, that those of the next pipeline will soon be there? */
bool adb__pipeline_is_quick(const struct adb__worker *worker);

/* Run the lane's first jobs, and those of other ready lanes. All the lanes, the caller's too, are given back. */
void adb__pipeline_run(struct adb__worker *worker, struct adb__lane *lane);

/* Lanes to take besides the first: of those that are ready, what falls to one of those who might take them now. Who is
 * in a pipeline may be there for a round trip. */
size_t adb__pipeline_share(const struct adb__worker *worker);

/* From within the driver, while it waits: when the answer takes long, let others have what comes behind. */
void adb__pipeline_relieve(struct adb__worker *worker);

#endif
