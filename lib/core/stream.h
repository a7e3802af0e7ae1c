/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterate: batches from the worker to the caller, with backpressure. The worker fills a batch, hands it over, and waits
 * as long as ADB__STREAM_BATCHES are under way. The caller's answer comes back through the stream's three words. */
#ifndef ADB_CORE_STREAM_H
#define ADB_CORE_STREAM_H

#include "core/job.h"

/* The worker's: the sink's flush_fn; owner is the job. */
adb_status adb__stream_flush(struct adb__sink *sink, adb_error *error);

/* The consumer's: deliver or pull a batch; a batch of a job that has been delivered is dropped (pull: NULL). */
void adb__stream_deliver(struct adb__event *event);
struct adb_result *adb__stream_pull(struct adb__event *event);

#endif
