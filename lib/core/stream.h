/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterate: batches from the worker to the caller, with backpressure. The worker fills a batch, hands it over, and waits
 * as long as ADB__STREAM_BATCHES are under way. The caller's answer comes back through the stream's three words.
 * A batch is an event of adb__batch_kind (core/completion.h); one of a job that has been delivered is dropped. */
#ifndef ADB_CORE_STREAM_H
#define ADB_CORE_STREAM_H

#include "core/job.h"

/* The worker's: the sink's flush_fn; owner is the job. */
adb_status adb__stream_flush(struct adb__sink *sink, adb_error *error);

#endif
