/* SPDX-License-Identifier: BSD-3-Clause */
/* Iterate: batches from the worker to the caller, with backpressure. The worker fills a batch, hands it over, and waits
 * as long as ADB__STREAM_BATCHES are under way. The caller's answer comes back through the stream's three words. The
 * first batch is small, so that it comes soon. As long as they are filled quickly, and the caller keeps up, each is
 * twice the one before it, up to what is allowed: to wake another thread costs as much as a hundred rows. What the
 * caller does not keep of a batch goes back with its event, and is filled anew: so the same few go round. A batch is an
 * event of adb__batch_kind (core/completion.h); one of a job that has been delivered is dropped. */
#ifndef ADB_CORE_STREAM_H
#define ADB_CORE_STREAM_H

#include "core/job.h"

void adb__stream_init(struct adb__stream *stream);
/* The job is over, and no batch of it is under way: let go of those that have come back. */
void adb__stream_fini(struct adb__stream *stream);
/* How large a batch may be: so many times the first, and no larger than it is allowed. */
void adb__stream_limit(struct adb__sink *sink, size_t most_rows, size_t most_bytes, unsigned scale);
/* The worker's: the first batch. */
void adb__stream_begin(struct adb__stream *stream, struct adb__sink *sink);
/* The worker's: the sink's flush_fn; owner is the job. */
adb_status adb__stream_flush(struct adb__sink *sink, adb_error *error);

#endif
