/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting for outcomes: callbacks that keep count, queues that are run until something holds. Nothing here waits for
 * ever (tests/lib/latch.h). */
#ifndef ADB_TESTS_WAIT_H
#define ADB_TESTS_WAIT_H

#include <asyncdb/job.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define PATIENCE_MS 30000
#define TALLY_SEEN  64
#define TALLY_CODES 128

/* One outcome as its callback saw it. */
struct seen {
    adb_job job;
    adb_status status;
    unsigned flags;
    int64_t value;      /* of the first column of the first row, 0 when there is none */
    pthread_t thread;
    char message[ADB_ERROR_MESSAGE_SIZE];
};

/* What callbacks have seen, on whichever threads. */
struct tally {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n;
    size_t n_status[TALLY_CODES];       /* by the number of the status, less its sign */
    struct seen seen[TALLY_SEEN];       /* the first of them, in order */
};

#define TALLY_INIT {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER}

/* An adb_done_cb; user_data is the tally. */
void tally_done(adb_result *result, void *tally);
size_t tally_n(struct tally *tally);
size_t tally_of(struct tally *tally, adb_status status);
struct seen tally_seen(struct tally *tally, size_t index);
/* Wait until so many outcomes have come on other threads. */
void tally_await(struct tally *tally, size_t n);

/* Dispatch until it holds. */
void run_until(adb_queue *queue, bool (*holds)(void *data), void *data);
/* Dispatch until all of this handle has been delivered. */
void run_all(adb_context *ctx);
/* Ask again and again, without a queue: for figures that another thread changes. */
void await(bool (*holds)(void *data), void *data);

/* Wait for the job: its status, or the integer of its first row, or its whole error. */
adb_status status_of(adb_context *ctx, adb_job job);
int64_t value_of(adb_context *ctx, adb_job job);
adb_error error_of(adb_context *ctx, adb_job job);
/* The integers of the first column, such as "1 2 3"; what there is instead is printed. */
bool rows_are(adb_context *ctx, adb_job job, const char *rows);

#endif
