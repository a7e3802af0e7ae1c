/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared reads: on a reader, selects that wait at the same moment share one snapshot, and so the locks it takes. */
#ifndef ADB_CORE_SHARE_H
#define ADB_CORE_SHARE_H

#include "core/lane.h"
#include "core/worker.h"

/* Before a job: go on with the snapshot that is open, open one, or close it, as the job may have it. */
void adb__share_prepare(struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job);
/* A job failed. True: it was in a shared snapshot, which is closed now; by itself it may fare better (a name that only
 * the writer knows), and if not, its error is its own. */
bool adb__share_retry(struct adb__worker *worker);
/* Would the job end the snapshot that is open? */
bool adb__share_breaks(const struct adb__worker *worker, const struct adb__lane *lane, const struct adb__job *job);
/* Close the snapshot, if one is open. */
void adb__share_end(struct adb__worker *worker);

#endif
