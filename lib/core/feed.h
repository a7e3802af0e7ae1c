/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of a copy between the worker and the caller's thread, either way, with backpressure: the mirror of
 * core/stream.h. A chunk belongs to one side at a time, and lent says to which. The worker waits for the caller, never
 * the other way round, and touches no chunk that the caller has: so a job may end while a callback of its still
 * runs. */
#ifndef ADB_CORE_FEED_H
#define ADB_CORE_FEED_H

#include "base/buf.h"
#include "core/completion.h"
#include "model/statement.h"

#include <stddef.h>

/* Bytes of a chunk, and chunks that may be under way. */
#define ADB__FEED_BYTES  ((size_t)65536)
#define ADB__FEED_CHUNKS 2

struct adb__job;

struct adb__chunk {
    struct adb__event event;
    struct adb__buf bytes;
    ptrdiff_t answer;           /* in: the producer's last, when it had so much room */
    size_t room;
    _Atomic bool lent;          /* to the caller */
};

struct adb__feed {
    struct adb__chunk chunks[ADB__FEED_CHUNKS];
    struct adb__source source;  /* in: for the driver */
    unsigned next;              /* the chunk whose turn it is; worker */
    bool started;               /* in: chunks were lent; worker */
    bool ended;                 /* in: the producer is not asked again; consumer */
    _Atomic bool stopped;       /* nothing more is wanted: said by who takes */
};

/* In: memory for the chunks, and a source that reads them. ADB_E_NOMEM. */
adb_status adb__feed_open(struct adb__job *job, adb_error *error);
/* Out: wait for the chunk whose turn it is, empty, to be filled; and hand it over. ADB__SINK_ENOUGH: the caller wants
 * no more. */
adb_status adb__feed_chunk(struct adb__job *job, struct adb__buf **bytes_out, adb_error *error);
adb_status adb__feed_send(struct adb__job *job);
/* In: the worker reads no more, whatever the outcome: before the job ends. */
void adb__feed_close(struct adb__job *job);
/* Nobody has the job any more. */
void adb__feed_fini(struct adb__feed *feed);

/* What a producer's answer means. ADB_OK: it has written so many bytes. */
adb_status adb__feed_judge(ptrdiff_t answer, size_t room, adb_error *error);

#endif
