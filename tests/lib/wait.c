/* SPDX-License-Identifier: BSD-3-Clause */
/* Tallies, and loops around a queue that lose patience. */
#include "tests/lib/wait.h"

#include "base/clock.h"
#include "tests/lib/latch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct seen see(adb_result *result)
{
    const adb_error *error = adb_result_error(result);
    struct seen seen = {
        .job = adb_result_job(result), .status = error->status, .flags = error->flags, .thread = pthread_self()};
    if (adb_result_rows(result) > 0)
        seen.value = adb_row_int(adb_result_row(result, 0), 0);
    memcpy(seen.message, error->message, sizeof(seen.message));
    return seen;
}

void tally_done(adb_result *result, void *user_data)
{
    struct tally *tally = user_data;
    const struct seen seen = see(result);
    pthread_mutex_lock(&tally->lock);
    if (tally->n < TALLY_SEEN)
        tally->seen[tally->n] = seen;
    tally->n++;
    tally->n_status[-seen.status]++;
    pthread_cond_broadcast(&tally->changed);
    pthread_mutex_unlock(&tally->lock);
}

size_t tally_n(struct tally *tally)
{
    pthread_mutex_lock(&tally->lock);
    const size_t n = tally->n;
    pthread_mutex_unlock(&tally->lock);
    return n;
}

size_t tally_of(struct tally *tally, adb_status status)
{
    pthread_mutex_lock(&tally->lock);
    const size_t n = tally->n_status[-status];
    pthread_mutex_unlock(&tally->lock);
    return n;
}

struct seen tally_seen(struct tally *tally, size_t index)
{
    struct seen seen = {.job = 0};
    pthread_mutex_lock(&tally->lock);
    if (index < tally->n && index < TALLY_SEEN)
        seen = tally->seen[index];
    pthread_mutex_unlock(&tally->lock);
    return seen;
}

void tally_await(struct tally *tally, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LATCH_PATIENCE_S;
    pthread_mutex_lock(&tally->lock);
    while (tally->n < n) {
        if (pthread_cond_timedwait(&tally->changed, &tally->lock, &until) == ETIMEDOUT)
            latch_hang("outcomes have not come");
    }
    pthread_mutex_unlock(&tally->lock);
}

void run_until(adb_queue *queue, bool (*holds)(void *), void *data)
{
    const int64_t until = adb__deadline_in(adb__clock_now(), PATIENCE_MS);
    while (!holds(data)) {
        if (adb__clock_now() > until)
            latch_hang("a queue has not brought what was to come");
        adb_queue_wait(queue, 10);
        adb_queue_dispatch(queue, 0);
    }
}

static bool nothing_pends(void *data)
{
    return adb_context_pending(data) == 0;
}

void run_all(adb_context *ctx)
{
    run_until(adb_context_queue(ctx), nothing_pends, ctx);
}

void await(bool (*holds)(void *), void *data)
{
    const int64_t until = adb__deadline_in(adb__clock_now(), PATIENCE_MS);
    const struct timespec pause = {.tv_nsec = 200000};
    while (!holds(data)) {
        if (adb__clock_now() > until)
            latch_hang("a condition has not come to hold");
        nanosleep(&pause, NULL);
    }
}

adb_error error_of(adb_context *ctx, adb_job job)
{
    adb_result *result = adb_wait(ctx, job, PATIENCE_MS);
    const adb_error error = *adb_result_error(result);
    adb_result_unref(result);
    return error;
}

adb_status status_of(adb_context *ctx, adb_job job)
{
    return error_of(ctx, job).status;
}

int64_t value_of(adb_context *ctx, adb_job job)
{
    adb_result *result = adb_wait(ctx, job, PATIENCE_MS);
    int64_t value = -1;
    if (adb_result_rows(result) > 0)
        value = adb_row_int(adb_result_row(result, 0), 0);
    else
        printf("no row: %s\n", adb_result_error(result)->message);
    adb_result_unref(result);
    return value;
}

bool rows_are(adb_context *ctx, adb_job job, const char *rows)
{
    adb_result *result = adb_wait(ctx, job, PATIENCE_MS);
    char found[4096] = "";
    size_t size = 0;
    for (size_t i = 0; i < adb_result_rows(result) && size < sizeof(found) - 32; i++)
        size += (size_t)snprintf(found + size, sizeof(found) - size, "%s%" PRId64, i > 0 ? " " : "",
                                 adb_row_int(adb_result_row(result, i), 0));
    const bool same = adb_result_status(result) == ADB_OK && strcmp(found, rows) == 0;
    if (!same)
        printf("rows \"%s\", not \"%s\" (%s)\n", found, rows, adb_result_error(result)->message);
    adb_result_unref(result);
    return same;
}
