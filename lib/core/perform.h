/* SPDX-License-Identifier: BSD-3-Clause */
/* What each kind of job does, and what its end means for its lane. Called by whoever attends the lane. */
#ifndef ADB_CORE_PERFORM_H
#define ADB_CORE_PERFORM_H

#include "core/worker.h"

/* Run the first job of the backlog and take it out, or leave it there: with another role when it needs the writer, as it
 * is when readers may open now and it is theirs. */
void adb__perform(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job);

/* A job that an outsider has ended without its having run: what its lane must know. worker NULL: nobody has a
 * connection (and so the lane has nothing open that is real). The job is taken out of the lane and dropped. */
void adb__perform_skipped(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job);

/* Undo the top level of the lane and close it. */
void adb__perform_rollback(struct adb__worker *worker, struct adb__lane *lane, adb_error *error);

/* A job that ran with this outcome: the consequences for its lane and its connection, and the delivery. */
void adb__perform_end(struct adb__worker *worker, struct adb__lane *lane, struct adb__job *job, adb_status status);

/* A job that was sent with others and of which nothing has come: back to where it was, at the front of its lane, to run
 * by itself. False: it is to stop. */
bool adb__perform_retract(struct adb__worker *worker, struct adb__job *job);

#endif
